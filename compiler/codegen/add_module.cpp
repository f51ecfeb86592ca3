// The part of the compiler that makes a program grow: modules that come after the first one.
#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "compiler/canonical/check_canonical.h"
#include "compiler/canonical/load.h"
#include "compiler/codegen/compiler.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/references.h"

#include <llvm/Linker/IRMover.h>

using namespace llvm;

namespace osr {
namespace {

/// Of several weak definitions of a name the first one counts.
void drop_definition(GlobalObject &object) {
  if (auto *function = dyn_cast<Function>(&object)) {
    function->deleteBody();
  } else {
    auto &variable = cast<GlobalVariable>(object);
    variable.setInitializer(nullptr);
    variable.setLinkage(GlobalValue::ExternalLinkage);
  }
  object.setComdat(nullptr);
}

/// The program's code refers to variables by name; the optimiser may know what is in constants.
void leave_to_linker(GlobalVariable &variable) {
  if (variable.isDeclaration())
    return;
  const bool is_known = variable.isConstant() && variable.hasDefinitiveInitializer();
  if (!is_known)
    variable.setInitializer(nullptr);
  variable.setLinkage(is_known ? GlobalValue::AvailableExternallyLinkage : GlobalValue::ExternalLinkage);
}

/// What is left of the module when its variables have been compiled: functions.
void keep_functions(Module &module) {
  module.setModuleInlineAsm("");
  while (!module.named_metadata_empty()) // what it says of the whole module holds for variables, which are compiled
    module.eraseNamedMetadata(&*module.named_metadata_begin());
  for (const char *list : {"llvm.used", "llvm.compiler.used"})
    if (GlobalVariable *variable = module.getNamedGlobal(list))
      variable->eraseFromParent();
  for (GlobalVariable &variable : module.globals())
    leave_to_linker(variable);
}

bool has_variables(const Module &module) {
  return !module.getModuleInlineAsm().empty() ||
         any_of(module.globals(), [](const GlobalVariable &variable) { return !variable.isDeclaration(); });
}

std::vector<std::string> defined_variables(const Module &module) {
  std::vector<std::string> names;
  for (const GlobalVariable &variable : module.globals())
    if (!variable.isDeclaration())
      names.push_back(variable.getName().str());
  return names;
}

/// Constants that named it once may be left, although nobody has them.
bool is_used(const GlobalValue &value) {
  value.removeDeadConstantUsers();
  return !value.use_empty();
}

constexpr const char *declared_prefix = "osr.declared.";

/// Attributes belong to a context. What the front end said about the functions goes into the other one as the attributes of
/// declarations, which take_declared() finds there.
void put_declared(Module &module, ArrayRef<FunctionInfo> functions) {
  for (const FunctionInfo &info : functions) {
    auto *declaration = Function::Create(module.getFunction(info.name)->getFunctionType(), GlobalValue::ExternalLinkage,
                                         declared_prefix + info.name, &module);
    declaration->setAttributes(info.declared);
  }
}

void take_declared(Module &module, MutableArrayRef<FunctionInfo> functions) {
  for (FunctionInfo &info : functions) {
    Function *declaration = module.getFunction(declared_prefix + info.name);
    info.declared = declaration->getAttributes();
    declaration->eraseFromParent();
  }
}

} // namespace

bool Compiler::defines(StringRef name) const { return program_.defines(name) || added_variables_.contains(name); }

std::string Compiler::local_name(const Module &module, const GlobalObject &object) OSR_REQUIRES(engine_lock) {
  return local_names_.take(object, next_symbol_, [&](StringRef name) OSR_REQUIRES(engine_lock) {
    return defines(name) || module.getNamedValue(name) || program_.module->getNamedValue(name);
  });
}

/// What canonical form adds to a module is its own, too: descriptions of exits, say.
void Compiler::fit_added_variables(Module &module, const StringSet<> &before) OSR_REQUIRES(engine_lock) {
  for (GlobalVariable &variable : module.globals())
    if (!variable.isDeclaration() && !variable.getName().starts_with("llvm.") && !before.contains(variable.getName()))
      variable.setName(local_name(module, variable));
}

/// Names that others see are the program's; names of its own are made so that nobody else has them.
Error Compiler::fit_names(Module &module) OSR_REQUIRES(engine_lock) {
  for (GlobalObject &object : module.global_objects()) {
    StringRef name = object.getName();
    if (object.isDeclaration() || name.starts_with("llvm.") || object.hasAvailableExternallyLinkage())
      continue;
    if (object.hasLocalLinkage()) { // each, or a module to come could not define the name for all
      object.setName(local_name(module, object));
    } else if (defines(name)) {
      if (!object.isWeakForLinker())
        return make_error(ErrorCode::Exists, "'{}' is defined already", name.str());
      drop_definition(object);
    }
  }
  return fit_aliases(module);
}

Error Compiler::fit_aliases(Module &module) OSR_REQUIRES(engine_lock) {
  for (GlobalAlias &alias : make_early_inc_range(module.aliases())) {
    const std::string name = alias.getName().str();
    if (alias.hasLocalLinkage()) {
      alias.setName(name + local_mark + std::to_string(next_symbol_++));
      continue;
    }
    if (!defines(name))
      continue;
    if (!alias.isWeakForLinker())
      return make_error(ErrorCode::Exists, "'{}' is defined already", name);
    alias.setName("");
    GlobalValue *meant = module.getNamedValue(name);
    if (!meant && isa<FunctionType>(alias.getValueType()))
      meant = Function::Create(cast<FunctionType>(alias.getValueType()), GlobalValue::ExternalLinkage, name, module);
    else if (!meant)
      meant = new GlobalVariable(module, alias.getValueType(), false, GlobalValue::ExternalLinkage, nullptr, name);
    alias.replaceAllUsesWith(meant);
    alias.eraseFromParent();
  }
  return Error::success();
}

/// Ids of bodies that are gone are used again.
void Compiler::assign_ids(CanonicalProgram &added) const {
  for (auto [index, info] : enumerate(added.functions))
    info.id = index < free_ids_.size() ? free_ids_[free_ids_.size() - 1 - index]
                                       : FunctionId(program_.functions.size() + index - free_ids_.size());
  for (const FunctionInfo &info : added.functions)
    added.module->getFunction(info.name)->addFnAttr(function_id_attribute, std::to_string(info.id));
}

bool Compiler::forget_declaration(StringRef function) {
  Function *declaration = program_.module->getFunction(function);
  if (!declaration)
    return true;
  if (!declaration->isDeclaration() || is_used(*declaration))
    return false;
  declaration->eraseFromParent();
  return true;
}

void Compiler::rename_declaration(StringRef from, StringRef to) {
  Lock closed(gate_);
  GlobalValue *old = program_.module->getNamedValue(from);
  if (!old || !old->isDeclaration() || from == to)
    return;
  ++generation_;
  GlobalValue *meant = program_.module->getNamedValue(to);
  if (!meant) {
    old->setName(to);
    return;
  }
  old->replaceAllUsesWith(meant);
  old->eraseFromParent();
}

bool Compiler::forget_variables(ArrayRef<std::string> variables) {
  for (const std::string &name : variables)
    if (const GlobalVariable *left = program_.module->getNamedGlobal(name); left && is_used(*left))
      return false;
  for (const std::string &name : variables) {
    added_variables_.erase(name);
    if (GlobalVariable *left = program_.module->getNamedGlobal(name))
      left->eraseFromParent();
    local_names_.give_back_variable(name);
  }
  return true;
}

Expected<Compiler::NewModule> Compiler::prepare_module(std::unique_ptr<Module> module) {
  const std::string name = fmt::format("module '{}'", module->getModuleIdentifier());
  if (Error error = check_read_module(*module, name))
    return error;
  if (Error error = fit_names(*module))
    return prefixed(name + ": ", std::move(error));
  StringSet<> names;
  for (const GlobalVariable &variable : module->globals())
    names.insert(variable.getName());
  auto read = canonicalize(std::move(module), optimizing_->machine());
  if (!read)
    return make_error(ErrorCode::Invalid, "{}: {}", name, toString(read.takeError()));
  fit_added_variables(*read->module, names);
  insert_own_sites(*read);
  StringMap<TakenLines> lines = take_lines(*read->module);
  NewModule result;
  if (has_variables(*read->module)) {
    auto globals = compile_globals(*read->module, Globals::OfBody);
    if (!globals)
      return globals.takeError();
    result.globals = std::move(*globals);
  }
  result.variables = defined_variables(*read->module);
  keep_functions(*read->module);
  assign_ids(*read);
  result.functions = std::move(read->functions);
  result.aliases = std::move(read->aliases);
  result.constructors = std::move(read->constructors);
  result.destructors = std::move(read->destructors);
  put_declared(*read->module, result.functions);
  LoopProperties::detach(*read->module);
  auto moved = move_to_context(*read->module, program_.module->getContext());
  if (!moved)
    return moved.takeError();
  result.module = std::move(*moved);
  loop_properties_.attach(*result.module);
  take_declared(*result.module, result.functions);
  put_lines(*result.module, result.functions, lines);
  if (Error error = number_added(result))
    return error;
  return result;
}

void Compiler::put_lines(Module &module, MutableArrayRef<FunctionInfo> functions, StringMap<TakenLines> &taken) {
  if (taken.empty())
    return;
  for (FunctionInfo &info : functions)
    if (auto found = taken.find(info.name); found != taken.end()) {
      lines_.put(*module.getFunction(info.name), info.id, found->second, *program_.module);
      info.lines = std::move(found->second.lines);
    }
}

Error Compiler::number_added(NewModule &added) const {
  for (FunctionInfo &info : added.functions) {
    Function &function = *added.module->getFunction(info.name);
    info.came_later = true;
    check_canonical(function, info);
    number_sites(function, info);
    if (Error error = osr::check_references(function, info, options_.reference_spaces))
      return error;
  }
  return Error::success();
}

/// Unlike LLVM's linker, which looks at all that the program has, this looks at the module alone.
void Compiler::merge(std::unique_ptr<Module> module) {
  if (!mover_)
    mover_ = std::make_unique<IRMover>(*program_.module);
  std::vector<GlobalValue *> definitions;
  for (Function &function : *module)
    if (!function.isDeclaration())
      definitions.push_back(&function);
  const std::string name = module->getModuleIdentifier();
  Error error = mover_->move(
      std::move(module), definitions, [](GlobalValue &constant, const IRMover::ValueAdder &add) { add(constant); },
      /*IsPerformingImport=*/false);
  if (error)
    OSR_CHECK(false, "'{}' cannot become a part of the program: {}", name, toString(std::move(error)));
}

void Compiler::adopt_module(NewModule added) {
  Lock closed(gate_); // finish() reads the list of functions
  inlined_calls_ = {};
  merge(std::move(added.module));
  for (FunctionInfo &info : added.functions) {
    const FunctionId id = info.id;
    if (id == program_.functions.size()) {
      program_.functions.emplace_back();
      functions_.emplace_back();
    } else {
      OSR_CHECK(!free_ids_.empty() && free_ids_.back() == id, "function {} is not free", id);
      free_ids_.pop_back();
    }
    functions_[id] = program_.module->getFunction(info.name);
    program_.functions[id] = std::move(info);
    not_in_optimized_program_.insert(id);
  }
  added_variables_.insert_range(added.variables);
  append_range(program_.aliases, std::move(added.aliases));
}

} // namespace osr
