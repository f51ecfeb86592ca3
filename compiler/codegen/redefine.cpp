// The part of the compiler that replaces bodies of functions.
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/canonical/explicit_guards.h"
#include "compiler/canonical/load.h"
#include "compiler/codegen/compiler.h"
#include "compiler/codegen/promises.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/observed_values.h"
#include "compiler/sites/references.h"
#include "compiler/tiers/extract.h"
#include "compiler/tiers/profile.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>

#include <mutex>

using namespace llvm;

namespace osr {
namespace {

Error check_type(const Function &old, const FunctionInfo &info, const Function &body, AttributeList declared) {
  if (body.getFunctionType() == old.getFunctionType() && body.getCallingConv() == old.getCallingConv())
    return check_promises(info.declared, old, body, declared);
  std::string text;
  raw_string_ostream(text) << "its type is '" << *old.getFunctionType() << "', that of the new body '"
                           << *body.getFunctionType() << "'";
  return make_error("{}, or the calling conventions differ", text);
}

/// What a module with a new body may contain, before it is made canonical.
Error check_contents(const Module &module, StringRef name, const Module &program) {
  const Function *body = module.getFunction(name);
  if (!body || body->isDeclaration())
    return make_error("the IR does not define it");
  for (const Function &function : module)
    if (&function != body && !function.isDeclaration() && !function.hasAvailableExternallyLinkage())
      return make_error("the IR also defines '{}'; each function is redefined by itself", function.getName().str());
  if (!module.alias_empty() || !module.ifunc_empty() || !module.getModuleInlineAsm().empty())
    return make_error("the IR has aliases, ifuncs or module-level assembly");
  for (const GlobalVariable &variable : module.globals()) {
    if (variable.isDeclaration() || variable.hasLocalLinkage())
      continue;
    const GlobalValue *defined = program.getNamedValue(variable.getName());
    if (variable.getName().starts_with("llvm.") || (defined && !defined->isDeclaration()))
      return make_error("the IR defines '{}', which the program defines; declare it", variable.getName().str());
  }
  return Error::success();
}

/// Functions whose code may know about `value` through constants and the initialisers of variables.
void add_users(const Value &value, SmallSetVector<const Function *, 32> &functions,
               SmallPtrSetImpl<const Value *> &seen) {
  if (!seen.insert(&value).second)
    return;
  for (const User *user : value.users())
    if (const auto *instruction = dyn_cast<Instruction>(user))
      functions.insert(instruction->getFunction());
    else
      add_users(*user, functions, seen);
}

void add_variables(const Value &value, SmallPtrSetImpl<GlobalVariable *> &variables) {
  if (auto *variable = dyn_cast<GlobalVariable>(&value)) {
    variables.insert(const_cast<GlobalVariable *>(variable));
  } else if (isa<Constant>(value) && !isa<GlobalValue>(value)) {
    for (const Use &operand : cast<Constant>(value).operands())
      add_variables(*operand, variables);
  }
}

SmallPtrSet<GlobalVariable *, 16> variables_in(const Function &function) {
  SmallPtrSet<GlobalVariable *, 16> variables;
  for (const Instruction &instruction : instructions(function))
    for (const Use &operand : instruction.operands())
      add_variables(*operand, variables);
  return variables;
}

} // namespace

Expected<std::unique_ptr<MemoryBuffer>> Compiler::source_of(FunctionId function) const {
  const std::string &name = program_.functions[function].name;
  if (!program_.source)
    return make_error("the source of the program was not kept");
  Extractor extractor(*program_.source, name);
  extractor.make_types_literal();
  extractor.clone(*program_.source->getFunction(name), name);
  return std::make_unique<SmallVectorMemoryBuffer>(to_bitcode(*extractor.finish()), name,
                                                   /*RequiresNullTerminator=*/false);
}

Expected<Compiler::NewBody> Compiler::prepare_body(FunctionId function, MemoryBufferRef ir, const BodyMaking &making) {
  const std::string &name = program_.functions[function].name;
  auto read_in = read_body(ir, name, making, DebugInformation::Lines);
  if (!read_in)
    return read_in.takeError();
  CanonicalProgram *const read = &(*read_in)->program;
  NewBody body;
  body.first_name = (*read_in)->first_name;
  Extractor extractor(*read->module, name);
  extractor.make_types_literal();
  extractor.show_constants();
  extractor.clone(*read->module->getFunction(name), name);
  std::unique_ptr<Module> extracted = extractor.finish();
  LoopProperties::detach(*extracted);
  auto moved = move_to_context(*extracted, program_.module->getContext());
  if (!moved)
    return moved.takeError();
  body.module = std::move(*moved);
  loop_properties_.attach(*body.module);
  Function &defined = *body.module->getFunction(name);
  if (Error error =
          check_type(canonical(function), program_.functions[function], defined, read->functions.front().declared))
    return error;
  body.info.id = free_ids_.empty() ? FunctionId(program_.functions.size()) : free_ids_.back();
  body.info.name = name;
  body.info.came_later = true;
  body.info.pinned = read->functions.front().pinned;
  body.info.profile_points = read->functions.front().profile_points;
  body.info.declared = program_.functions[function].declared; // the promises of the program's declaration stay
  defined.addFnAttr(function_id_attribute, std::to_string(body.info.id));
  number_entered_sites(**read_in, defined, body);
  if (Error error = osr::check_references(defined, body.info, options_.reference_spaces))
    return error;
  if (!options_.sites)
    strip_frame_states(defined);
  for (const GlobalVariable &variable : read->module->globals())
    if (!variable.isDeclaration())
      body.variables.insert(variable.getName());
  if (!body.variables.empty()) {
    auto globals = compile_globals(*read->module, Globals::OfBody);
    if (!globals)
      return globals.takeError();
    body.globals = std::move(*globals);
  }
  return body;
}

/// With the sites, what is needed behind them.
void Compiler::number_entered_sites(ReadBody &read, Function &defined, NewBody &body) const {
  SourceTypes types;
  body.entries.problem = read.problem;
  body.entries.sites = describe_entries(defined, read.gates, types, [&] {
    number_sites(defined, body.info, optimizing_->machine(), options_.reference_spaces);
  });
  body.entries.types = types.take();
}

/// In canonical form; its own variables have names that nobody else has.
Expected<std::unique_ptr<Compiler::ReadBody>> Compiler::read_body(MemoryBufferRef ir, StringRef name,
                                                                  const BodyMaking &making, DebugInformation debug,
                                                                  Observe observe) {
  auto read = std::make_unique<ReadBody>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIR(ir, diagnostic, read->context);
  if (!module)
    return make_error("the IR is invalid: {} (line {})", diagnostic.getMessage().str(), diagnostic.getLineNo());
  if (Error error = check_read_module(*module, "the IR"))
    return error;
  if (Error error = check_contents(*module, name, *program_.module))
    return error;
  if (making.is_enterable)
    make_enterable(*read, *module->getFunction(name), making);
  if (observe == Observe::Yes)
    read->observed = observe_variables(*module);
  if (debug == DebugInformation::Lines)
    StripDebugInfo(*module); // its nodes would stay in the program's context for ever
  if (Error error = make_guards_explicit(*module)) // what describes them are variables of the body
    return error;
  std::uint64_t next = making.first_name.value_or(next_symbol_);
  read->first_name = next;
  for (GlobalVariable &variable : module->globals())
    if (variable.hasLocalLinkage())
      variable.setName(variable.getName() + ".of" + std::to_string(next++) + "." + name);
  next_symbol_ = std::max(next_symbol_, next);
  auto program = canonicalize(std::move(module), optimizing_->machine(), KeepSource::No, debug);
  if (!program)
    return program.takeError();
  read->program = std::move(*program);
  replace_gates_by_marks(*read->program.module->getFunction(name), read->gates);
  insert_own_sites(read->program);
  return read;
}

void Compiler::make_enterable(ReadBody &read, Function &function, const BodyMaking &making) {
  SourceTypes types;
  place_objects(function, making.objects, types);
  if (auto gates = insert_gates(function))
    read.gates = std::move(*gates);
  else
    read.problem = toString(gates.takeError());
}

Expected<Compiler::DescribedBody> Compiler::describe_body(FunctionId body, MemoryBufferRef ir,
                                                          const BodyMaking &making) {
  const std::string name = StringRef(program_.functions[body].name).split(old_body_mark).first.str();
  auto read = read_body(ir, name, making, DebugInformation::All),
       seeing = read_body(ir, name, making, DebugInformation::All, Observe::Yes);
  if (!read || !seeing)
    return joinErrors(read.takeError(), seeing.takeError());
  for (ReadBody *each : {read->get(), seeing->get()}) {
    drop_marks(*each->program.module->getFunction(name));
    number_sites(*each->program.module->getFunction(name), each->program.functions.front(), optimizing_->machine(),
                 options_.reference_spaces);
  }
  Function &function = *(*read)->program.module->getFunction(name);
  SourceTypes types;
  DescribedBody described;
  described.source = describe_source(function, types);
  described.types = types.take();
  add_observed(function, *(*seeing)->program.module->getFunction(name), (*seeing)->observed, described.source);
  if (described.source.fingerprint != fingerprint(canonical(body)))
    return make_error("with and without debug information it is not the same code");
  return described;
}

/// Whoever means the function means a declaration now.
void Compiler::put_aside(FunctionId function) {
  Function &old = canonical(function);
  const std::string name = program_.functions[function].name;
  program_.functions[function].name = name + old_body_mark + std::to_string(function);
  old.setName(program_.functions[function].name);
  auto *declaration =
      Function::Create(old.getFunctionType(), GlobalValue::ExternalLinkage, name, program_.module.get());
  declaration->setCallingConv(old.getCallingConv());
  old.replaceAllUsesWith(declaration);
}

void Compiler::withdraw_body(FunctionId function) {
  const std::lock_guard closed(gate_);
  ++generation_;
  const std::vector<FunctionId> users = dependents(function);
  put_aside(function);
  for (FunctionId stale : users) {
    not_in_optimized_program_.insert(stale);
    drop_inferred_attributes(canonical(stale), program_.functions[stale].declared);
  }
  not_in_optimized_program_.insert(function);
}

FunctionId Compiler::adopt_body(FunctionId function, NewBody body) {
  const std::lock_guard closed(gate_);
  ++generation_;
  const FunctionId id = body.info.id;
  const std::string name = body.info.name;
  put_aside(function);
  merge(std::move(body.module));
  if (id == program_.functions.size()) {
    program_.functions.emplace_back();
    functions_.emplace_back();
  } else {
    free_ids_.pop_back();
  }
  program_.functions[id] = std::move(body.info);
  functions_[id] = program_.module->getFunction(name);
  for (FunctionId stale : dependents(id)) {
    not_in_optimized_program_.insert(stale);
    drop_inferred_attributes(canonical(stale), program_.functions[stale].declared);
  }
  not_in_optimized_program_.insert({function, id});
  return id;
}

void Compiler::make_current(FunctionId wanted, FunctionId now) {
  const std::lock_guard closed(gate_);
  ++generation_;
  Function &current = canonical(now), &next = canonical(wanted);
  std::swap(program_.functions[wanted].name, program_.functions[now].name);
  current.setName("");
  next.setName(program_.functions[wanted].name);
  current.setName(program_.functions[now].name);
  current.replaceAllUsesWith(&next);
}

void Compiler::drop_body(FunctionId body) {
  const std::lock_guard closed(gate_);
  ++generation_;
  Function *function = functions_[body];
  function->removeDeadConstantUsers();
  OSR_CHECK(function->use_empty(), "the body of '{}' is still called", program_.functions[body].name);
  const SmallPtrSet<GlobalVariable *, 16> variables = variables_in(*function);
  function->eraseFromParent();
  for (GlobalVariable *variable : variables) {
    variable->removeDeadConstantUsers();
    if (variable->use_empty() && (variable->isDeclaration() || variable->hasAvailableExternallyLinkage()))
      variable->eraseFromParent(); // the body's own
  }
  functions_[body] = nullptr;
  program_.functions[body] = {};
  assumptions_.forget(body);
  speculative_calls_.erase(body);
  for (auto &[called, callers] : speculative_calls_)
    callers.erase(body);
  if (profile_)
    profile_->forget(body);
  free_ids_.push_back(body);
}

std::vector<FunctionId> Compiler::dependents(FunctionId function) const {
  SmallSetVector<const Function *, 32> found;
  SmallPtrSet<const Value *, 32> seen;
  auto add_all_users = [&](const Function &used) {
    add_users(used, found, seen);
    if (auto calls = speculative_calls_.find(function_id(used)); calls != speculative_calls_.end())
      for (FunctionId caller : calls->second)
        found.insert(functions_[caller]);
  };
  add_all_users(canonical(function));
  for (std::size_t next = 0; next < found.size(); ++next)
    add_all_users(*found[next]);
  std::vector<FunctionId> ids;
  for (const Function *dependent : found)
    ids.push_back(function_id(*dependent));
  return ids;
}

} // namespace osr
