#include "sites_fixture.h"

#include "compiler/sites/loop_polls.h"
#include "compiler/sites/profile_points.h"
#include "compiler/sites/recursive_calls.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

template <typename Insert> void insert_in_replaceable(CanonicalProgram &program, Insert &&insert) {
  for (FunctionInfo &info : program.functions)
    if (info.pinned == PinReason::None)
      insert(*program.module->getFunction(info.name), info);
}

} // namespace

void number_sites(CanonicalProgram &program, const TargetMachine &machine) {
  for (FunctionInfo &info : program.functions)
    number_sites(*program.module->getFunction(info.name), info, machine, program.reference_spaces);
}

void insert_loop_polls(CanonicalProgram &program) {
  keep_recursive_calls(*program.module);
  InlinedCalls calls;
  insert_in_replaceable(program, [&](Function &function, FunctionInfo &) { insert_loop_polls(function, calls); });
}

void insert_baseline_polls(CanonicalProgram &program) {
  insert_in_replaceable(program, [](Function &function, FunctionInfo &) { insert_baseline_polls(function); });
}

void insert_profile_points(CanonicalProgram &program) {
  insert_in_replaceable(
      program, [](Function &function, FunctionInfo &info) { info.profile_points = insert_profile_points(function); });
}

NumberedProgram::NumberedProgram(const std::string &text) : program_(fixture_.canonical(text)) {
  number_sites(program_, fixture_.machine());
  require_valid(module());
}

Function &NumberedProgram::function(StringRef name) {
  Function *found = module().getFunction(name);
  INFO("function " << name.str());
  REQUIRE(found);
  return *found;
}

const FunctionInfo &NumberedProgram::info(StringRef name) {
  const FunctionInfo *found = program_.find_function(name);
  INFO("function " << name.str());
  REQUIRE(found);
  return *found;
}

const Site &NumberedProgram::site(StringRef function, std::uint32_t index) {
  const FunctionInfo &found = info(function);
  REQUIRE(index < found.sites().size());
  return found.sites()[index];
}

CallBase &NumberedProgram::call(StringRef name, std::uint32_t index) {
  CallBase *found = nullptr;
  for (CallBase *call : calls_with_state(function(name)))
    if (SiteId::unpack(cast<ConstantInt>(bundle_operands(*call)[0])->getZExtValue()).index == index)
      found = call;
  INFO("site " << index << " of " << name.str());
  REQUIRE(found);
  return *found;
}

std::vector<CallBase *> calls_with_state(Function &function) {
  std::vector<CallBase *> found;
  for (CallBase *call : all<CallBase>(function))
    if (call->getOperandBundle(LLVMContext::OB_deopt))
      found.push_back(call);
  return found;
}

std::vector<CallInst *> stack_maps(Function &function) {
  std::vector<CallInst *> found;
  for (IntrinsicInst *intrinsic : all<IntrinsicInst>(function))
    if (intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap)
      found.push_back(intrinsic);
  return found;
}

std::vector<Value *> bundle_operands(const CallBase &call) {
  auto bundle = call.getOperandBundle(LLVMContext::OB_deopt);
  REQUIRE(bundle);
  return {bundle->Inputs.begin(), bundle->Inputs.end()};
}

CallBase &set_bundle(CallBase &call, const std::vector<Value *> &operands) {
  OperandBundleDef bundle("deopt", operands);
  CallBase *changed = CallBase::Create(&call, bundle, call.getIterator());
  call.replaceAllUsesWith(changed);
  changed->takeName(&call);
  call.eraseFromParent();
  return *changed;
}

std::vector<std::string> state_names(const Site &site) {
  std::vector<std::string> names;
  for (const FrameStateValue &value : site.state)
    names.push_back(value.name);
  return names;
}

void require_valid(const Module &module) {
  std::string problems;
  raw_string_ostream stream(problems);
  bool broken = verifyModule(module, &stream);
  INFO(problems << "\n" << print(module));
  REQUIRE_FALSE(broken);
}

} // namespace osr
