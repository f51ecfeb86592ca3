// The part of the compiler that replaces bodies of functions: which of them the program means (prepare_body.cpp makes them).
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/codegen/compiler.h"
#include "compiler/codegen/promises.h"
#include "compiler/sites/number_sites.h"
#include "compiler/tiers/extract.h"
#include "compiler/tiers/profile.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>

using namespace llvm;

namespace osr {
namespace {

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
  Lock closed(gate_);
  program_changed();
  const std::vector<FunctionId> users = dependents(function);
  put_aside(function);
  for (FunctionId stale : users) {
    not_in_optimized_program_.insert(stale);
    drop_inferred_attributes(canonical(stale), program_.functions[stale].declared);
  }
  not_in_optimized_program_.insert(function);
}

FunctionId Compiler::adopt_body(FunctionId function, NewBody body) {
  Lock closed(gate_);
  program_changed();
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
  Lock closed(gate_);
  program_changed();
  Function &current = canonical(now), &next = canonical(wanted);
  std::swap(program_.functions[wanted].name, program_.functions[now].name);
  current.setName("");
  next.setName(program_.functions[wanted].name);
  current.setName(program_.functions[now].name);
  current.replaceAllUsesWith(&next);
}

void Compiler::drop_body(FunctionId body) {
  Lock closed(gate_);
  program_changed();
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
