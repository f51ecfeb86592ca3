#include "compiler/codegen/compiler.h"

#include "compiler/base/address_of.h"
#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/canonical/objects.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/codegen/linker_symbols.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/profile_points.h"
#include "compiler/sites/references.h"
#include "compiler/target/holder_assembly.h"
#include "compiler/target/target.h"
#include "compiler/tiers/baseline.h"
#include "compiler/tiers/count_heat.h"
#include "compiler/tiers/count_residence.h"
#include "compiler/tiers/split_pointer_casts.h"
#include "compiler/tiers/trampolines.h"
#include "compiler/tiers/trap_unreachable.h"

#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <chrono>

using namespace llvm;

namespace osr {

Error Compiler::check_module(const Module &module, StringRef stage) const {
  if (!options_.verify_each_pass)
    return Error::success();
  std::string problems;
  raw_string_ostream stream(problems);
  if (verifyModule(module, &stream))
    return make_error("invalid IR after {}: {}", stage.str(), problems);
  return Error::success();
}

void strip_frame_states(Function &function) {
  for (CallBase *call : calls_with_frame_state(function))
    drop_frame_state(*call)->removeFnAttr(Attribute::NoMerge);
}

Compiler::Compiler(CanonicalProgram program, Options options)
    : program_(std::move(program)), options_(std::move(options)), steps_(options_.cache) {
  program_.reference_spaces = options_.reference_spaces;
}
Compiler::~Compiler() = default;

Expected<std::unique_ptr<Compiler>> Compiler::create(CanonicalProgram program, Options chosen) {
  std::unique_ptr<Compiler> compiler(new Compiler(std::move(program), std::move(chosen)));
  const Options &options = compiler->options_;
  auto fast = CodeGenerator::create(CodegenLevel::Fast, compiler->return_points(), options.processor);
  auto optimizing = CodeGenerator::create(CodegenLevel::Optimizing, compiler->return_points(), options.processor);
  if (!fast || !optimizing)
    return joinErrors(fast.takeError(), optimizing.takeError());
  compiler->fast_ = std::move(*fast);
  compiler->optimizing_ = std::move(*optimizing);
  if (options.speculate_after && options.sites && options.assume)
    compiler->profile_ = std::make_unique<Profile>(*options.speculate_after);
  compiler->functions_.resize(compiler->program_.functions.size());
  for (Function &function : *compiler->program_.module)
    if (!function.isDeclaration())
      compiler->functions_[function_id(function)] = &function;
  compiler->keep_recursive_calls(*compiler->program_.module);
  if (options.reference_spaces.empty())
    return compiler;
  const AloneWithEngine alone;
  compiler->number_all(); // what cannot be done with references is refused before the program starts
  if (Error error = compiler->check_references(compiler->program_))
    return error;
  return compiler;
}

void Compiler::keep_results(std::shared_ptr<CompileCache> cache) {
  Lock closed(gate_); // finish() looks there
  steps_ = CachedSteps(std::move(cache));
}

void Compiler::program_changed() {
  ++generation_;
  inlined_calls_ = {};
}

/// The functions of `program`, whose sites are numbered.
Error Compiler::check_references(const CanonicalProgram &program) const {
  for (const FunctionInfo &info : program.functions)
    if (Error error = osr::check_references(*program.module->getFunction(info.name), info, options_.reference_spaces))
      return error;
  return Error::success();
}

Function &Compiler::canonical(FunctionId function) const { return *functions_[function]; }

std::string Compiler::symbol_of(const VersionKey &key) const {
  std::string symbol = program_.functions[key.function].name + "$" + to_string(key.tier);
  if (key.continuation_site)
    symbol += "@" + std::to_string(*key.continuation_site);
  std::string numbered;
  std::uint64_t number = 0;
  do
    numbered = symbol + "." + std::to_string(number++);
  while (program_.module->getNamedValue(numbered)); // a program may have any name
  return numbered;
}

void Compiler::lower_thread_words(Module &module) const {
  lower_objects(module, options_.object_stack_offset);
  if (options_.poll_word_offset)
    lower_poll_word(module, *options_.poll_word_offset);
}

bool Compiler::drop_assumption(SiteId guard) {
  if (!assumptions_.holds(guard))
    return false;
  assumptions_.drop(guard);
  ++generation_;
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

Expected<Compiler::LoweredModule> Compiler::lower_baseline(const VersionKey &key, StringRef symbol,
                                                           const HeatCounter *heat) {
  number(key.function);
  Extractor extractor(*program_.module, symbol);
  extractor.use(shared_metadata_);
  Function &function = extractor.clone(canonical(key.function), symbol);
  LoweredModule result;
  result.module = extractor.finish();
  result.sites.records = lower_to_baseline(function, program_);
  if (profile_)
    lower_profile_points(function, profile_->points_of(program_.functions[key.function]));
  if (heat)
    count_heat(function, *heat);
  lower_thread_words(*result.module);
  split_pointer_casts(function);
  ask_for_trampoline_memory(*result.module);
  trap_if_unreachable(function);
  result.sites.forms.assign(result.sites.records.size(), SiteForm::StackMap);
  if (Error error = check_module(*result.module, "lowering to baseline"))
    return error;
  return result;
}

Expected<CompiledVersion> Compiler::compile_baseline(const VersionKey &key, const CodeCounters &counters) {
  CompiledVersion version;
  version.symbol = symbol_of(key);
  auto lowered = lower_baseline(key, version.symbol, counters.heat);
  if (!lowered)
    return lowered.takeError();
  version.sites = std::move(lowered->sites);
  if (counters.residents)
    count_residence(*lowered->module->getFunction(version.symbol), address_of(counters.residents));
  // Addresses of counters are in the code: no other process can have a use for it.
  const bool counts = counters.residents || profile_;
  auto emitted = counts ? CachedSteps::emit_anew(*lowered->module, *fast_) : steps_.emit(*lowered->module, *fast_);
  if (!emitted)
    return emitted.takeError();
  version.take(std::move(*emitted));
  return version;
}

void Compiler::number_and_check(const VersionKey &key) {
  OSR_CHECK(key.function < functions_.size(), "no function {}", key.function);
  number(key.function);
  OSR_CHECK(!key.continuation_site || *key.continuation_site < program_.functions[key.function].sites().size(),
            "function {} has no site {}", key.function, key.continuation_site.value_or(0));
}

Error Compiler::not_compiled(const VersionKey &key, Error error) const {
  return prefixed(fmt::format("cannot compile '{}' ({}): ", program_.functions[key.function].name, to_string(key.tier)),
                  std::move(error));
}

Expected<CompiledVersion> Compiler::compile(const VersionKey &key, const CodeCounters &counters) {
  number_and_check(key);
  const auto begin = std::chrono::steady_clock::now();
  auto version =
      key.tier == Tier::Baseline ? compile_baseline(key, counters) : compile_optimized(key, counters.residents);
  if (!version)
    return not_compiled(key, version.takeError());
  version->key = key;
  version->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return version;
}

std::optional<LocalObjects> Compiler::objects_at(SiteId site) const {
  for (const CallBase *call : calls_with_frame_state(canonical(site.function))) {
    const auto bundle = *call->getOperandBundle(LLVMContext::OB_deopt);
    if (cast<ConstantInt>(bundle.Inputs.front())->getZExtValue() != site.packed())
      continue;
    const auto values = bundle.Inputs.drop_front();
    const auto *frame = find_if(values, [](const Use &value) { return is_object_frame(value.get()); });
    if (frame == values.end())
      return std::nullopt;
    auto *push = cast<CallInst>(frame->get());
    LocalObjects objects{.frame = std::uint32_t(frame - values.begin()),
                         .size = cast<ConstantInt>(push->getArgOperand(0))->getZExtValue(),
                         .align = cast<ConstantInt>(push->getArgOperand(1))->getZExtValue()};
    for (User *user : push->users())
      if (is_object_address(user))
        objects.objects.push_back(
            {user->getName().str(), offset_of_object(user), cast<CallInst>(user)->getRetDereferenceableBytes()});
    llvm::sort(objects.objects, [](const auto &a, const auto &b) { return a.offset < b.offset; });
    return objects;
  }
  return std::nullopt;
}

bool Compiler::returns_in_word(FunctionId function) const {
  const Type *type = canonical(function).getReturnType();
  return type->isVoidTy() || type->isPointerTy() || (type->isIntegerTy() && type->getIntegerBitWidth() <= 64);
}

Expected<std::unique_ptr<MemoryBuffer>> Compiler::compile_globals() {
  return compile_globals(*program_.module, Globals::OfProgram);
}

Expected<std::unique_ptr<MemoryBuffer>> Compiler::compile_globals(const Module &module, Globals which) {
  ValueToValueMapTy map;
  auto globals = CloneModule(module, map, [](const GlobalValue *value) { return !isa<Function>(value); });
  globals->setModuleIdentifier("globals");
  if (&module == program_.module.get())
    globals->appendModuleInlineAsm(holder_assembly());
  StripDebugInfo(*globals);
  if (which == Globals::OfProgram)
    define_linker_symbols(*globals, module);
  for (Function &function : *globals) {
    if (!function.hasExternalWeakLinkage())
      function.setLinkage(GlobalValue::ExternalLinkage);
    function.setDSOLocal(false);
  }
  CodegenReport report;
  return emit_object(*globals, fast_->machine(), MachinePasses::None, report);
}

Expected<std::string> Compiler::print_ir(const VersionKey &key) {
  std::string text;
  raw_string_ostream stream(text);
  if (key.tier == Tier::Baseline) {
    auto lowered = lower_baseline(key, symbol_of(key));
    if (!lowered)
      return lowered.takeError();
    lowered->module->print(stream, nullptr);
    return text;
  }
  auto pending = prepare(key);
  if (!pending)
    return pending.takeError();
  if (Error error = optimize_pending(*pending, *optimizing_))
    return error;
  auto lowered = lower_optimized(*pending, {});
  if (!lowered)
    return lowered.takeError();
  lowered->module->print(stream, nullptr);
  return text;
}

} // namespace osr
