// The part of the compiler that makes new bodies of functions, before they are a part of the program.
#include "compiler/base/error_code.h"
#include "compiler/canonical/check_canonical.h"
#include "compiler/canonical/explicit_guards.h"
#include "compiler/canonical/fold_constant_objects.h"
#include "compiler/canonical/load.h"
#include "compiler/codegen/compiler.h"
#include "compiler/codegen/promises.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/observed_values.h"
#include "compiler/sites/references.h"
#include "compiler/tiers/extract.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;

namespace osr {
namespace {

Error check_type(const Function &old, const FunctionInfo &info, const Function &body, AttributeList declared) {
  if (body.getFunctionType() == old.getFunctionType() && body.getCallingConv() == old.getCallingConv())
    return check_promises(info.declared, old, body, declared);
  std::string text;
  raw_string_ostream(text) << "its type is '" << *old.getFunctionType() << "', that of the new body '"
                           << *body.getFunctionType() << "'";
  return make_error(ErrorCode::Invalid, "{}, or the calling conventions differ", text);
}

/// What a module with a new body may contain, before it is made canonical.
Error check_contents(const Module &module, StringRef name, const Module &program) {
  const Function *body = module.getFunction(name);
  if (!body || body->isDeclaration())
    return make_error(ErrorCode::Invalid, "the IR does not define it");
  for (const Function &function : module)
    if (&function != body && !function.isDeclaration() && !function.hasAvailableExternallyLinkage())
      return make_error(ErrorCode::Invalid, "the IR also defines '{}'; each function is redefined by itself",
                        function.getName().str());
  if (!module.alias_empty() || !module.ifunc_empty() || !module.getModuleInlineAsm().empty())
    return make_error(ErrorCode::Invalid, "the IR has aliases, ifuncs or module-level assembly");
  for (const GlobalVariable &variable : module.globals()) {
    if (variable.isDeclaration() || variable.hasLocalLinkage())
      continue;
    const GlobalValue *defined = program.getNamedValue(variable.getName());
    if (variable.getName().starts_with("llvm.") || (defined && !defined->isDeclaration()))
      return make_error(ErrorCode::Invalid, "the IR defines '{}', which the program defines; declare it",
                        variable.getName().str());
  }
  return Error::success();
}

/// Conventions that an optimiser chooses between for functions whose callers it knows.
bool is_optimizers_choice(CallingConv::ID convention) {
  return convention == CallingConv::C || convention == CallingConv::Fast;
}

void call_by(Function &function, CallingConv::ID convention) {
  const CallingConv::ID before = function.getCallingConv();
  function.setCallingConv(convention);
  for (const Use &use : function.uses())
    if (auto *call = dyn_cast<CallBase>(use.getUser());
        call && call->isCallee(&use) && call->getCallingConv() == before)
      call->setCallingConv(convention);
}

/// Functions that the program has are called as the program calls them. Whoever compiled the module may have had all callers of a static
/// function in it, and given it another convention; to LLVM a call by another one than the callee's is never reached.
Error take_conventions(Module &module, const Module &program) {
  bool has_changed = false;
  for (Function &function : module) {
    const Function *known = program.getFunction(function.getName());
    const CallingConv::ID convention = known ? known->getCallingConv() : function.getCallingConv();
    if (function.getCallingConv() == convention)
      continue;
    if (!is_optimizers_choice(convention) || !is_optimizers_choice(function.getCallingConv()))
      return make_error(ErrorCode::Invalid, "'{}' has another calling convention in the program",
                        function.getName().str());
    call_by(function, convention);
    has_changed = true;
  }
  if (has_changed && verifyModule(module))
    return make_error(ErrorCode::Invalid, "it has tail calls that need other calling conventions than the program's");
  return Error::success();
}

/// The function by itself, in the program's context.
Expected<std::unique_ptr<Module>> move_function(Module &from, const std::string &name, LLVMContext &context) {
  Extractor extractor(from, name);
  extractor.make_types_literal();
  extractor.show_constants();
  extractor.clone(*from.getFunction(name), name);
  std::unique_ptr<Module> extracted = extractor.finish();
  LoopProperties::detach(*extracted);
  return move_to_context(*extracted, context);
}

FunctionInfo info_of_body(const FunctionInfo &read, const FunctionInfo &old) {
  FunctionInfo info;
  info.name = old.name;
  info.came_later = true;
  info.pinned = read.pinned;
  info.profile_points = read.profile_points;
  info.declared = old.declared; // the promises of the program's declaration stay
  return info;
}

} // namespace

Expected<Compiler::NewBody> Compiler::prepare_body(FunctionId function, MemoryBufferRef ir, const BodyMaking &making) {
  const std::string &name = program_.functions[function].name;
  auto read_in = read_body(ir, name, making, DebugInformation::Lines);
  if (!read_in)
    return read_in.takeError();
  CanonicalProgram *const read = &(*read_in)->program;
  NewBody body;
  body.first_name = (*read_in)->first_name;
  body.has_state = (*read_in)->has_state;
  StringMap<TakenLines> lines = take_lines(*read->module);
  auto moved = move_function(*read->module, name, program_.module->getContext());
  if (!moved)
    return moved.takeError();
  body.module = std::move(*moved);
  loop_properties_.attach(*body.module);
  Function &defined = *body.module->getFunction(name);
  if (Error error =
          check_type(canonical(function), program_.functions[function], defined, read->functions.front().declared))
    return error;
  body.info = info_of_body(read->functions.front(), program_.functions[function]);
  body.info.id = free_ids_.empty() ? FunctionId(program_.functions.size()) : free_ids_.back();
  defined.addFnAttr(function_id_attribute, std::to_string(body.info.id));
  put_lines(*body.module, body.info, lines);
  number_entered_sites(**read_in, defined, body);
  if (Error error = osr::check_references(defined, body.info, options_.reference_spaces))
    return error;
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
    check_canonical(defined, body.info);
    number_sites(defined, body.info);
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
    return make_error(ErrorCode::Invalid, "the IR is invalid: {} (line {})", diagnostic.getMessage().str(),
                      diagnostic.getLineNo());
  if (Error error = check_read_module(*module, "the IR"))
    return error;
  if (Error error = check_contents(*module, name, *program_.module))
    return error;
  if (Error error = take_conventions(*module, *program_.module))
    return error;
  if (making.is_enterable) {
    fold_constant_objects(*module);
    make_enterable(*read, *module->getFunction(name), making);
  }
  if (observe == Observe::Yes)
    read->observed = observe_variables(*module);
  if (Error error = make_guards_explicit(*module)) // what describes them are variables of the body
    return error;
  std::uint64_t next = making.first_name.value_or(next_symbol_);
  read->first_name = next;
  read->has_state = any_of(module->globals(), [](const GlobalVariable &variable) {
    return !variable.isDeclarationForLinker() && !(variable.isConstant() && variable.hasLocalLinkage());
  });
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
    number_sites(*each->program.module->getFunction(name), each->program.functions.front());
  }
  Function &function = *(*read)->program.module->getFunction(name);
  SourceTypes types;
  DescribedBody described;
  described.source = describe_source(function, types, find_module_variables(*function.getParent()));
  described.types = types.take();
  add_observed(function, *(*seeing)->program.module->getFunction(name), (*seeing)->observed, described.source);
  if (described.source.fingerprint != fingerprint(code_of(body)))
    return make_error("with and without debug information it is not the same code");
  return described;
}

} // namespace osr
