// A function in baseline form, to be damaged before it goes through the code generator.
#pragma once

#include "sites_fixture.h"

#include "compiler/canonical/lower_objects.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/target/target.h"
#include "compiler/tiers/baseline.h"
#include "test/support/catch_header.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>

#include <map>
#include <string>

namespace osr {

inline constexpr const char *three_calls = R"(
  declare i64 @ext(i64)
  define i64 @f(i64 %x, ptr %p) {
    %v = load volatile i64, ptr %p
    %a = call i64 @ext(i64 1)
    %b = call i64 @ext(i64 2)
    %c = call i64 @ext(i64 3)
    %d = add i64 %a, %b
    %e = add i64 %d, %c
    %g = add i64 %e, %v
    %h = mul i64 %g, %x
    store volatile i64 %h, ptr %p
    ret i64 %h
  })";

class BaselineCode {
public:
  explicit BaselineCode(const char *source = three_calls) : program_(source), function_(program_.function("f")) {
    records_ = lower_to_baseline(function_, program_.program());
    lower_objects(program_.module(), 0);
  }

  llvm::Function &function() { return function_; }
  llvm::Module &module() { return program_.module(); }
  llvm::LLVMContext &context() { return program_.context(); }

  llvm::CallInst &map(unsigned index) {
    for (llvm::IntrinsicInst *intrinsic : all<llvm::IntrinsicInst>(function_))
      if (intrinsic->getIntrinsicID() == llvm::Intrinsic::experimental_stackmap &&
          llvm::cast<llvm::ConstantInt>(intrinsic->getArgOperand(0))->getZExtValue() == index)
        return *intrinsic;
    FAIL("no stack map " << index);
    std::abort();
  }
  llvm::CallBase &call(unsigned index) { return *calls_of(function_, "ext").at(index); }
  llvm::ReturnInst &end() { return *all<llvm::ReturnInst>(function_).at(0); }

  /// The slot of the value called `name`.
  llvm::AllocaInst &slot(const std::string &name) {
    for (llvm::AllocaInst *slot : all<llvm::AllocaInst>(function_))
      if (slot->getName() == name + ".slot")
        return *slot;
    FAIL("no slot of " << name);
    std::abort();
  }

  /// Replaces map `index` by one with these operands.
  void set_operands(unsigned index, const std::vector<llvm::Value *> &operands) {
    llvm::CallInst &old = map(index);
    llvm::IRBuilder<> builder(&old);
    std::vector<llvm::Value *> arguments{old.getArgOperand(0), old.getArgOperand(1)};
    arguments.insert(arguments.end(), operands.begin(), operands.end());
    builder.CreateIntrinsic(llvm::Intrinsic::experimental_stackmap, {}, arguments);
    old.eraseFromParent();
  }
  std::vector<llvm::Value *> operands(unsigned index) {
    llvm::CallInst &found = map(index);
    return {found.arg_begin() + 2, found.arg_end()};
  }

  CodegenReport emit(CodegenLevel level = CodegenLevel::Fast) {
    require_valid(module());
    auto machine = llvm::cantFail(create_target_machine(level));
    CodegenReport report;
    llvm::cantFail(emit_object(module(), *machine, MachinePasses::Certify, report));
    CHECK(report.anchored.size() == records_.size());
    return report;
  }

private:
  NumberedProgram program_;
  llvm::Function &function_;
  std::vector<LoweredRecord> records_;
};

/// By record.
using Reasons = std::map<std::uint32_t, std::string>;

} // namespace osr
