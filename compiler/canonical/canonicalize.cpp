// The canonical form, step by step. This is the page to read first.
//
// Each step is one file pair with one idea; the order matters where a step says so.
#include "compiler/base/check.h"
#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/canonical/assembly_macros.h"
#include "compiler/canonical/assembly_sections.h"
#include "compiler/canonical/assembly_symbols.h"
#include "compiler/canonical/by_value_arguments.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/check_canonical.h"
#include "compiler/canonical/check_input.h"
#include "compiler/canonical/computed_goto.h"
#include "compiler/canonical/define_undef.h"
#include "compiler/canonical/early_codegen.h"
#include "compiler/canonical/expand_ifuncs.h"
#include "compiler/canonical/explicit_guards.h"
#include "compiler/canonical/externalize_symbols.h"
#include "compiler/canonical/find_pinned.h"
#include "compiler/canonical/forget_unknown_machines.h"
#include "compiler/canonical/gather_objects.h"
#include "compiler/canonical/guard_frame.h"
#include "compiler/canonical/initializer_arrays.h"
#include "compiler/canonical/landing_pads.h"
#include "compiler/canonical/move_objects.h"
#include "compiler/canonical/probe_operations.h"
#include "compiler/canonical/replace_aliases.h"
#include "compiler/canonical/simplify.h"
#include "compiler/canonical/source_lines.h"
#include "compiler/canonical/source_variables.h"
#include "compiler/canonical/split_aggregates.h"
#include "compiler/canonical/static_actions.h"
#include "compiler/canonical/strip_front_end.h"
#include "compiler/canonical/struct_returns.h"
#include "compiler/canonical/symbol_versions.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Metadata.h>
#include <llvm/Transforms/Utils/Cloning.h>

using namespace llvm;

namespace osr {
namespace {

/// What a front end wrote becomes plain symbols and plain attributes; only here can the input be refused.
Error prepare_symbols(CanonicalProgram &program, TargetMachine &machine, DebugInformation debug) {
  Module &module = *program.module;
  forget_unknown_machines(module, machine);
  lower_stack_users(module, machine);
  if (Error error = check_input(module))
    return error;
  if (Error error = check_assembly_sections(module))
    return error;
  if (Error error = probe_operations(module, machine))
    return error;
  call_library_for_atomics(module, machine);
  expand_ifuncs(module);
  decorate_names(module);
  if (Error error = strip_front_end(module, debug))
    return error;
  if (Error error = make_guards_explicit(module))
    return error;
  take_symbol_versions(module);
  program.exports = find_exports(module);
  externalize_symbols(module); // first: the next two steps record names
  if (Error error = replace_aliases(module, program.aliases))
    return error;
  show_symbols_of_assembly(module);
  name_symbols_in_assembly(module);
  define_macros_in_assembly(module);
  if (Error error = list_initializer_arrays(module))
    return error;
  if (Error error = take_static_actions(module, program.constructors, program.destructors))
    return error;
  return expand_computed_goto(module); // a block's address belongs to one version's code: it may not be data
}

using DeclaredAttributes = StringMap<AttributeList>;

DeclaredAttributes declared_attributes(const Module &module) {
  DeclaredAttributes declared;
  for (const Function &function : module)
    declared[function.getName()] = function.getAttributes();
  return declared;
}

void number_functions(CanonicalProgram &program, const DeclaredAttributes &declared) {
  for (Function &function : *program.module) {
    if (function.isDeclaration())
      continue;
    FunctionInfo info;
    info.id = FunctionId(program.functions.size());
    info.name = function.getName().str();
    info.declared = declared.lookup(info.name);
    if (const MDNode *type = function.getMetadata(LLVMContext::MD_kcfi_type))
      info.type_hash = std::uint32_t(mdconst::extract<ConstantInt>(type->getOperand(0))->getZExtValue());
    function.addFnAttr(function_id_attribute, std::to_string(info.id));
    program.functions.push_back(std::move(info));
  }
}

void pin(Function &function, FunctionInfo &info, PinReason reason, const TargetMachine &machine) {
  info.pinned = reason;
  // Its frame cannot be taken apart, so it may not become part of a frame that can.
  function.removeFnAttr(Attribute::AlwaysInline);
  function.removeFnAttr(Attribute::InlineHint);
  function.addFnAttr(Attribute::NoInline);
  if (needs_realigned_frame(function, machine))
    function.removeFnAttr("no-realign-stack");
}

void keep_calls(Function &function) {
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction))
      call->setIsNoInline();
}

/// After this a replaceable function's frame holds scalar values only: no objects, no aggregates, no undefined ones.
void empty_frame(Function &function, FunctionInfo &info, const TargetMachine &machine) {
  copy_by_value_arguments(function);
  isolate_normal_destinations(function); // before aggregates are taken apart there
  if (!split_aggregates(function)) {
    pin(function, info, PinReason::LargeAggregate, machine);
    return;
  }
  if (!make_selectors_neutral(function)) {
    pin(function, info, PinReason::ExceptionHandling, machine);
    return;
  }
  define_undef(function);
  move_objects(function);
}

void make_canonical(Function &function, FunctionInfo &info, const TargetMachine &machine) {
  make_objects_static(function);
  if (forwards_stack_arguments(function) || has_variable_objects(function))
    keep_calls(function); // those that are inlined might bring objects, which would lie above those of variable size
  if (PinReason reason = find_pin_reason(function, machine); reason != PinReason::None)
    pin(function, info, reason, machine);
  else
    empty_frame(function, info, machine);
  if (info.pinned != PinReason::None)
    guard_frame(function);
  fold_known_branches(function);
  gather_static_objects(function);
}

/// Those that become values, and those that stay objects.
void track_variables(Module &module) {
  const SourceObjects objects = find_source_objects(module);
  mark_reassigned(module);
  track_assignments(module);
  mark_objects(objects);
}

} // namespace

Expected<CanonicalProgram> canonicalize(std::unique_ptr<Module> module, TargetMachine &machine, KeepSource keep_source,
                                        DebugInformation debug) {
  const DiagnosticScope diagnostics(module->getContext());
  CanonicalProgram program;
  program.debug = debug;
  program.module = std::move(module);
  program.module->setTargetTriple(machine.getTargetTriple());
  program.module->setDataLayout(machine.createDataLayout());
  if (Error error = prepare_symbols(program, machine, debug))
    return error;
  if (keep_source != KeepSource::No)
    program.source = CloneModule(*program.module);
  if (keep_source == KeepSource::Yes)
    StripDebugInfo(*program.source); // new bodies are made again and again: their metadata would stay for ever

  if (debug == DebugInformation::All)
    track_variables(*program.module);
  const DeclaredAttributes declared = declared_attributes(*program.module);
  simplify(*program.module, machine);
  externalize_symbols(*program.module); // the simplifier makes private constants, e.g. for puts
  if (Error error = convert_struct_returns(*program.module))
    return error;

  number_functions(program, declared);
  for (Function &function : *program.module)
    if (!function.isDeclaration())
      make_canonical(function, program.info_of(function), machine);
  complete_source_lines(*program.module);
  check_symbols(*program.module);
  if (!diagnostics.errors().empty())
    return make_error("{}", diagnostics.errors());
  return program;
}

} // namespace osr
