#include "compiler/codegen/compiler.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/object_stack.h"
#include "compiler/canonical/source_lines.h"
#include "compiler/codegen/choose_forms.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/codegen/target.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/profile_points.h"
#include "compiler/tiers/baseline.h"
#include "compiler/tiers/continuation.h"
#include "compiler/tiers/count_heat.h"
#include "compiler/tiers/count_residence.h"
#include "compiler/tiers/extract.h"
#include "compiler/tiers/inline_candidates.h"
#include "compiler/tiers/optimize.h"
#include "compiler/tiers/speculate.h"

#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <chrono>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned max_attempts = 8;      ///< forms only ever degrade, and there are four of them
/// How loops lie in it is felt up to half of their speed: so that does not depend on what was compiled before.
const Align cache_line(64);
constexpr unsigned spill_all_attempt = 2; ///< other forms allocate other registers: this chase has to end

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

std::uint64_t address_of(const ResidenceCounter &counter) { return reinterpret_cast<std::uint64_t>(&counter); }

/// What speculation knows is about one moment and one function: the optimised program rests on nothing of that.
bool may_speculate(const Function &function, const Profile *profile) {
  if (!profile)
    return false;
  auto functions = inline_candidates(function, profile);
  functions.insert(&function);
  return has_guess(functions.getArrayRef(), *profile);
}

Error check_module(const Module &module, StringRef stage) {
  std::string problems;
  raw_string_ostream stream(problems);
  if (verifyModule(module, &stream))
    return make_error("invalid IR after {}: {}", stage.str(), problems);
  return Error::success();
}

} // namespace

void strip_frame_states(Function &function) {
  for (CallBase *call : calls_with_frame_state(function))
    drop_frame_state(*call)->removeFnAttr(Attribute::NoMerge);
}

Compiler::Compiler(CanonicalProgram program, Options options) : program_(std::move(program)), options_(options) {}
Compiler::~Compiler() = default;

Expected<std::unique_ptr<Compiler>> Compiler::create(CanonicalProgram program, Options options) {
  std::unique_ptr<Compiler> compiler(new Compiler(std::move(program), options));
  auto fast = create_target_machine(CodegenLevel::Fast);
  auto optimizing = create_target_machine(CodegenLevel::Optimizing);
  if (!fast || !optimizing)
    return joinErrors(fast.takeError(), optimizing.takeError());
  compiler->fast_machine_ = std::move(*fast);
  compiler->optimizing_machine_ = std::move(*optimizing);
  if (options.poll_word_offset)
    insert_loop_polls(compiler->program_);
  if (options.speculate_after && options.sites && options.assume) {
    compiler->profile_ = std::make_unique<Profile>(*options.speculate_after);
    insert_profile_points(compiler->program_);
  }
  if (options.poll_word_offset && options.baseline_polls_everywhere)
    insert_baseline_polls(compiler->program_);
  number_sites(compiler->program_, *compiler->optimizing_machine_);
  compiler->functions_.resize(compiler->program_.functions.size());
  for (Function &function : *compiler->program_.module)
    if (!function.isDeclaration()) {
      compiler->functions_[function_id(function)] = &function;
      if (!options.sites)
        strip_frame_states(function);
    }
  if (Error error = check_module(*compiler->program_.module, "numbering the sites"))
    return error;
  return compiler;
}

Function &Compiler::canonical(FunctionId function) const { return *functions_[function]; }

std::string Compiler::new_symbol(const VersionKey &key) {
  std::string symbol = program_.functions[key.function].name + "$" + to_string(key.tier);
  if (key.continuation_site)
    symbol += "@" + std::to_string(*key.continuation_site);
  return symbol + "." + std::to_string(next_symbol_++);
}

void Compiler::lower_thread_words(Module &module) const {
  lower_object_stack(module, options_.object_stack_offset);
  if (options_.poll_word_offset)
    lower_poll_word(module, *options_.poll_word_offset);
}

Error Compiler::optimize_program() {
  if (optimized_program_)
    return Error::success();
  optimized_program_ = CloneModule(*program_.module);
  drop_baseline_polls(*optimized_program_);
  speculate(*optimized_program_, {});
  apply_assumptions(*optimized_program_);
  Error error = optimize(*optimized_program_, *optimizing_machine_, options_.verify_each_pass ? &program_ : nullptr);
  flatten_source_lines(*optimized_program_); // single functions are copied out of it
  if (!error)
    exits_ = exits_of(*optimized_program_, program_);
  return error;
}

void Compiler::apply_assumptions(Module &module) const {
  assume_guards(module, program_, options_.assume ? &assumptions_ : nullptr);
  complete_source_lines(module);
}

bool Compiler::drop_assumption(SiteId guard) {
  if (!assumptions_.holds(guard))
    return false;
  assumptions_.drop(guard);
  for (const auto &[function, guards] : exits_)
    if (any_of(guards, [&](SiteId exit) { return !assumptions_.holds(exit); }))
      not_in_optimized_program_.insert(function);
  return true;
}

void Compiler::find_functions_by(std::function<std::optional<FunctionId>(std::uint64_t)> function_at) {
  if (profile_)
    profile_->find_functions_by(
        [this, function_at = std::move(function_at)](std::uint64_t address) -> const Function * {
          const std::optional<FunctionId> body = function_at(address);
          return body ? functions_[*body] : nullptr;
        });
}

void Compiler::count_anew(FunctionId body) {
  if (profile_)
    profile_->restart(body);
}

Expected<Compiler::OptimizedIr> Compiler::optimized_ir(const VersionKey &key, StringRef symbol) {
  if (key.continuation_site || may_speculate(canonical(key.function), profile_.get()) ||
      not_in_optimized_program_.contains(key.function))
    return optimize_apart(key, symbol);
  if (Error error = optimize_program())
    return error;
  Extractor extractor(*optimized_program_, symbol);
  extractor.clone(*optimized_program_->getFunction(canonical(key.function).getName()), symbol);
  return OptimizedIr{move_apart(*extractor.finish()), {}};
}

/// One function or continuation by itself, with those callees in sight that may be inlined.
Expected<Compiler::OptimizedIr> Compiler::optimize_apart(const VersionKey &key, StringRef symbol) {
  Extractor extractor(*program_.module, symbol);
  extractor.show_constants();
  for (const Function *callee : inline_candidates(canonical(key.function), profile_.get()))
    extractor.show_callee(*callee);
  Function &clone = extractor.clone(canonical(key.function), symbol);
  if (key.continuation_site)
    make_continuation(clone, program_.functions[key.function].sites[*key.continuation_site]);
  std::unique_ptr<Module> module = extractor.finish();
  drop_baseline_polls(*module);
  OptimizedIr result;
  if (profile_)
    result.speculations = speculate(*module, {&assumptions_, profile_.get(), &speculative_calls_});
  result.apart = move_apart(*module);
  apply_assumptions(*result.apart.module);
  if (Error error = check_module(*result.apart.module, "taking one function out"))
    return error;
  const InlinedTargets targets(*result.apart.module->getFunction(symbol), program_);
  if (Error error =
          optimize(*result.apart.module, *optimizing_machine_, options_.verify_each_pass ? &program_ : nullptr))
    return error;
  result.speculations.inlined = targets.count(*result.apart.module->getFunction(symbol), program_);
  return result;
}

Expected<Compiler::LoweredModule> Compiler::lower_baseline(const VersionKey &key, StringRef symbol,
                                                           const HeatCounter *heat) {
  Extractor extractor(*program_.module, symbol);
  Function &function = extractor.clone(canonical(key.function), symbol);
  LoweredModule result;
  result.module = extractor.finish();
  result.sites.records = lower_to_baseline(function, program_);
  if (profile_)
    lower_profile_points(function, profile_->points_of(program_.functions[key.function]));
  if (heat)
    count_heat(function, *heat);
  lower_thread_words(*result.module);
  result.sites.forms.assign(result.sites.records.size(), SiteForm::StackMap);
  if (Error error = check_module(*result.module, "lowering to baseline"))
    return error;
  return result;
}

Expected<Compiler::LoweredModule> Compiler::lower_optimized(const Module &optimized, StringRef symbol,
                                                            const ForcedForms &forced) {
  LoweredModule result;
  result.module = CloneModule(optimized);
  lower_thread_words(*result.module);
  result.module->getFunction(symbol)->setAlignment(cache_line);
  lower_exits(*result.module->getFunction(symbol));
  Expected<LoweredSites> sites = lower_sites(*result.module->getFunction(symbol), program_, forced);
  if (!sites)
    return sites.takeError();
  result.sites = std::move(*sites);
  if (Error error = check_module(*result.module, "lowering the sites"))
    return error;
  return result;
}

Expected<CompiledVersion> Compiler::compile_baseline(const VersionKey &key, const CodeCounters &counters) {
  CompiledVersion version;
  version.symbol = new_symbol(key);
  auto lowered = lower_baseline(key, version.symbol, counters.heat);
  if (!lowered)
    return lowered.takeError();
  version.sites = std::move(lowered->sites);
  if (counters.residents)
    count_residence(*lowered->module->getFunction(version.symbol), address_of(*counters.residents));
  auto object = emit_object(*lowered->module, *fast_machine_, MachinePasses::Certify, version.report, return_points());
  if (!object)
    return object.takeError();
  version.object = std::move(*object);
  return version;
}

Expected<CompiledVersion> Compiler::compile_optimized(const VersionKey &key, const ResidenceCounter *residents) {
  std::string symbol = new_symbol(key);
  auto optimized = optimized_ir(key, symbol);
  if (!optimized)
    return optimized.takeError();
  ForcedForms forms;
  std::map<std::uint32_t, std::string> fallbacks;
  for (unsigned attempt = 0; attempt < max_attempts; ++attempt) {
    CompiledVersion version;
    version.symbol = symbol;
    auto lowered = lower_optimized(*optimized->apart.module, symbol, forms);
    if (!lowered)
      return lowered.takeError();
    version.sites = std::move(lowered->sites);
    if (residents)
      count_residence(*lowered->module->getFunction(symbol), address_of(*residents));
    auto object =
        emit_object(*lowered->module, *optimizing_machine_, MachinePasses::Anchor, version.report, return_points());
    if (!object) {
      // Registers ran out because of a record: give the values slots instead.
      if (attempt > 0)
        return object.takeError();
      consumeError(object.takeError());
      spill_all(version.sites, forms);
      continue;
    }
    version.object = std::move(*object);
    bool complete = !adjust_forms(version.sites, version.report, forms);
    if (!complete && attempt >= spill_all_attempt)
      spill_all(version.sites, forms);
    fallbacks.merge(version.report.not_anchored);
    if (complete) {
      version.fallbacks = std::move(fallbacks);
      version.speculations = optimized->speculations;
      return version;
    }
  }
  return make_error("'{}': some site cannot be described in {} attempts", symbol, max_attempts);
}

Expected<CompiledVersion> Compiler::compile(const VersionKey &key, const CodeCounters &counters) {
  OSR_CHECK(key.function < functions_.size(), "no function {}", key.function);
  OSR_CHECK(!key.continuation_site || *key.continuation_site < program_.functions[key.function].sites.size(),
            "function {} has no site {}", key.function, key.continuation_site.value_or(0));
  double start = now();
  auto version =
      key.tier == Tier::Baseline ? compile_baseline(key, counters) : compile_optimized(key, counters.residents);
  while (version && !version->sites.refused_exits.empty()) { // nowhere to go from there: do without
    for (SiteId guard : version->sites.refused_exits)
      drop_assumption(guard);
    version = compile_optimized(key, counters.residents);
  }
  if (!version)
    return make_error("cannot compile '{}' ({}): {}", program_.functions[key.function].name, to_string(key.tier),
                      toString(version.takeError()));
  version->key = key;
  version->seconds = now() - start;
  return version;
}

bool Compiler::has_objects(FunctionId function) const {
  return any_of(instructions(canonical(function)), [](const Instruction &instruction) {
    const auto *call = dyn_cast<CallInst>(&instruction);
    const Function *callee = call ? call->getCalledFunction() : nullptr;
    return callee && callee->getName().starts_with("osr.object.");
  });
}

bool Compiler::returns_in_word(FunctionId function) const {
  const Type *type = canonical(function).getReturnType();
  return type->isVoidTy() || type->isPointerTy() || (type->isIntegerTy() && type->getIntegerBitWidth() <= 64);
}

Expected<std::unique_ptr<MemoryBuffer>> Compiler::compile_globals() { return compile_globals(*program_.module); }

Expected<std::unique_ptr<MemoryBuffer>> Compiler::compile_globals(const Module &module) {
  ValueToValueMapTy map;
  auto globals = CloneModule(module, map, [](const GlobalValue *value) { return !isa<Function>(value); });
  globals->setModuleIdentifier("globals");
  StripDebugInfo(*globals);
  for (Function &function : *globals) {
    if (!function.hasExternalWeakLinkage())
      function.setLinkage(GlobalValue::ExternalLinkage);
    function.setDSOLocal(false);
  }
  CodegenReport report;
  return emit_object(*globals, *fast_machine_, MachinePasses::None, report);
}

Expected<std::string> Compiler::print_ir(const VersionKey &key) {
  std::string text;
  raw_string_ostream stream(text);
  std::string symbol = new_symbol(key);
  if (key.tier == Tier::Baseline) {
    auto lowered = lower_baseline(key, symbol);
    if (!lowered)
      return lowered.takeError();
    lowered->module->print(stream, nullptr);
    return text;
  }
  auto optimized = optimized_ir(key, symbol);
  if (!optimized)
    return optimized.takeError();
  auto lowered = lower_optimized(*optimized->apart.module, symbol, {});
  if (!lowered)
    return lowered.takeError();
  lowered->module->print(stream, nullptr);
  return text;
}

} // namespace osr
