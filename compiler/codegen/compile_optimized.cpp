// How optimised versions are compiled: begun with the program at hand, finished apart from it.
//
//   begin     the function, or continuation, and what may be inlined into it      reads the program and what was counted;
//             are copied into a context of their own                              engine_lock is held
//   finish    O2, sites, code generation, until every site has a record           long; beside everything but changes of the program
//
// Without anybody to be kept waiting, functions come out of an O2 of the whole program, which is made once.
#include "compiler/base/address_of.h"
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/canonical/computed_goto.h"
#include "compiler/canonical/points.h"
#include "compiler/canonical/source_lines.h"
#include "compiler/codegen/choose_forms.h"
#include "compiler/codegen/compiler.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/tiers/continuation.h"
#include "compiler/tiers/count_residence.h"
#include "compiler/tiers/inline_candidates.h"
#include "compiler/tiers/split_pointer_casts.h"
#include "compiler/tiers/trampolines.h"
#include "compiler/tiers/trap_unreachable.h"

#include <llvm/Transforms/Utils/Cloning.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned max_attempts = 8; ///< forms only ever degrade, and there are four of them
constexpr unsigned spill_all_attempt = 2; ///< other forms allocate other registers: this chase has to end
/// How loops lie in it is felt up to half of their speed: so that does not depend on what was compiled before.
const Align cache_line(64);

/// What speculation knows is about one moment and one function: the optimised program rests on nothing of that.
bool may_speculate(const Function &function, const Profile *profile) {
  if (!profile)
    return false;
  auto functions = inline_candidates(function, profile);
  functions.insert(&function);
  return has_guess(functions.getArrayRef(), *profile);
}

/// Callers may not rely on what the optimiser made of a function's body: calls may enter its baseline version, which still uses
/// an argument that the optimised one has no use for, and for which a caller would pass whatever is in the register.
void let_callers_assume_nothing(Module &module) {
  for (Function &function : module)
    if (!function.isDeclaration() && function.hasExternalLinkage())
      function.setLinkage(GlobalValue::WeakODRLinkage); // bodies that are the same, but perhaps not as refined
}

} // namespace

Error Compiler::optimize_program() {
  if (optimized_program_)
    return Error::success();
  number_all();
  optimized_program_ = CloneModule(*program_.module);
  drop_baseline_polls(*optimized_program_);
  drop_point_calls(*optimized_program_);
  speculate(*optimized_program_, {});
  apply_assumptions(*optimized_program_);
  let_callers_assume_nothing(*optimized_program_);
  Error error = optimize_module(optimized_program_, *optimizing_);
  flatten_source_lines(*optimized_program_); // single functions are copied out of it
  if (!error)
    exits_ = exits_of(*optimized_program_, program_);
  return error;
}

Error Compiler::optimize_module(std::unique_ptr<Module> &module, CodeGenerator &generator) const {
  return steps_.optimize(module, generator, options_.verify_each_pass ? &program_ : nullptr);
}

void Compiler::apply_assumptions(Module &module) const {
  assume_guards(module, program_, options_.assume ? &assumptions_ : nullptr);
  complete_source_lines(module);
}

bool Compiler::is_compiled_apart(const VersionKey &key) const {
  return options_.optimize_apart || key.continuation_site || may_speculate(canonical(key.function), profile_.get()) ||
         not_in_optimized_program_.contains(key.function);
}

Expected<PendingCompile> Compiler::prepare(const VersionKey &key) {
  if (is_compiled_apart(key))
    return take_apart(key);
  if (Error error = optimize_program())
    return error;
  PendingCompile pending;
  pending.key = key;
  pending.symbol = symbol_of(key);
  pending.is_optimized = true;
  pending.in_program = optimized_program_->getFunction(canonical(key.function).getName());
  return pending;
}

/// One function or continuation by itself, with those callees in sight that may be inlined.
Expected<PendingCompile> Compiler::take_apart(const VersionKey &key) {
  PendingCompile pending;
  pending.key = key;
  pending.symbol = symbol_of(key);
  pending.generation = generation_;
  Extractor extractor(*program_.module, pending.symbol);
  extractor.use(shared_metadata_);
  extractor.show_constants();
  for (const Function *callee : numbered_candidates(key.function))
    extractor.show_callee(*callee);
  Function &clone = extractor.clone(canonical(key.function), pending.symbol);
  const bool peels = key.continuation_site && !profile_;
  if (key.continuation_site) {
    Function &continuation = make_continuation(clone, program_.functions[key.function].sites()[*key.continuation_site]);
    if (!peels) // before anything is guessed: a guess about what comes before the site could take it away
      begin_at_entry(continuation, LoopsAround::Keep);
  }
  std::unique_ptr<Module> module = extractor.finish();
  drop_baseline_polls(*module);
  drop_point_calls(*module);
  if (profile_)
    pending.speculations = speculate(*module, {&assumptions_, profile_.get(), &speculative_calls_});
  auto apart = move_apart(*module);
  if (!apart)
    return apart.takeError();
  pending.apart = std::move(*apart);
  if (peels) // in a context that ends soon
    begin_at_entry(*pending.apart.module->getFunction(pending.symbol), LoopsAround::Peel);
  apply_assumptions(*pending.apart.module);
  if (Error error = check_module(*pending.apart.module, "taking one function out"))
    return error;
  pending.targets.emplace(*pending.apart.module->getFunction(pending.symbol), program_);
  return pending;
}

Error Compiler::optimize_pending(PendingCompile &pending, CodeGenerator &generator) const {
  if (pending.is_optimized)
    return Error::success();
  if (Error error = optimize_module(pending.apart.module, generator))
    return error;
  pending.is_optimized = true;
  pending.speculations.inlined = pending.targets->count(*pending.apart.module->getFunction(pending.symbol), program_);
  return Error::success();
}

/// Each attempt to compile it takes one.
std::unique_ptr<Module> Compiler::copy_optimized(const PendingCompile &pending) const {
  if (!pending.in_program)
    return CloneModule(*pending.apart.module);
  Extractor extractor(*optimized_program_, pending.symbol);
  extractor.use(shared_metadata_);
  extractor.clone(*pending.in_program, pending.symbol);
  return extractor.finish();
}

Expected<Compiler::LoweredModule> Compiler::lower_optimized(const PendingCompile &pending,
                                                            const ForcedForms &forced) const {
  LoweredModule result;
  result.module = copy_optimized(pending);
  lower_thread_words(*result.module);
  Function &function = *result.module->getFunction(pending.symbol);
  function.setAlignment(cache_line);
  lower_exits(function);
  Expected<LoweredSites> sites = lower_sites(function, program_, forced);
  if (!sites)
    return sites.takeError();
  result.sites = std::move(*sites);
  restore_computed_goto(function);
  split_pointer_casts(function);
  ask_for_trampoline_memory(*result.module);
  trap_if_unreachable(function);
  if (Error error = check_module(*result.module, "lowering the sites"))
    return error;
  return result;
}

Expected<CompiledVersion> Compiler::make_version(PendingCompile &pending, const ResidenceCounter *residents,
                                                 CodeGenerator &generator) const {
  if (Error error = optimize_pending(pending, generator))
    return error;
  ForcedForms forms;
  std::map<std::uint32_t, std::string> fallbacks;
  for (unsigned attempt = 0; attempt < max_attempts; ++attempt) {
    CompiledVersion version;
    version.symbol = pending.symbol;
    auto lowered = lower_optimized(pending, forms);
    if (!lowered)
      return lowered.takeError();
    version.sites = std::move(lowered->sites);
    if (residents)
      count_residence(*lowered->module->getFunction(pending.symbol), address_of(residents));
    auto emitted =
        residents ? CachedSteps::emit_anew(*lowered->module, generator) : steps_.emit(*lowered->module, generator);
    if (!emitted) {
      // Registers ran out because of a record: give the values slots instead.
      if (attempt > 0)
        return emitted.takeError();
      consumeError(emitted.takeError());
      spill_all(version.sites, forms);
      continue;
    }
    version.take(std::move(*emitted));
    bool complete = !adjust_forms(version.sites, version.report, forms);
    if (!complete && attempt >= spill_all_attempt)
      spill_all(version.sites, forms);
    fallbacks.merge(version.report.not_anchored);
    if (complete) {
      version.fallbacks = std::move(fallbacks);
      version.speculations = pending.speculations;
      return version;
    }
  }
  return make_error("'{}': some site cannot be described in {} attempts", pending.symbol, max_attempts);
}

Expected<CompiledVersion> Compiler::compile_optimized(const VersionKey &key, const ResidenceCounter *residents)
    OSR_REQUIRES(engine_lock) {
  for (;;) {
    auto pending = prepare(key);
    if (!pending)
      return pending.takeError();
    auto version = make_version(*pending, residents, *optimizing_);
    if (!version || version->sites.refused_exits.empty())
      return version;
    drop_refused_exits(*version);
  }
}

/// Nowhere to go from there: do without.
void Compiler::drop_refused_exits(const CompiledVersion &version) {
  for (SiteId guard : version.sites.refused_exits)
    drop_assumption(guard);
}

Expected<PendingCompile> Compiler::begin(const VersionKey &key) {
  number_and_check(key);
  OSR_CHECK(key.tier == Tier::Optimized, "baseline code of function {} is compiled at once", key.function);
  const auto begun = std::chrono::steady_clock::now();
  auto pending = take_apart(key);
  if (!pending)
    return not_compiled(key, pending.takeError());
  pending->begun = begun;
  pending->taken = std::chrono::steady_clock::now() - begun;
  return pending;
}

Expected<CompiledVersion> Compiler::finish(PendingCompile &pending) const {
  const SharedLock inside(gate_);
  if (is_outdated(pending)) // function numbers may mean others now
    return make_error("the program has changed meanwhile");
  const auto resumed = std::chrono::steady_clock::now();
  auto generator = for_threads_.take();
  if (!generator)
    return generator.takeError();
  auto version = make_version(pending, /*residents=*/nullptr, **generator);
  for_threads_.give_back(std::move(*generator));
  if (!version)
    return not_compiled(pending.key, version.takeError());
  version->key = pending.key;
  const std::chrono::duration<double> taken = pending.taken + (std::chrono::steady_clock::now() - resumed);
  version->seconds = taken.count();
  return version;
}

} // namespace osr
