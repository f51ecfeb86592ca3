// Damages baseline code in every way that would make a record incomplete, and checks that its site gets no certificate.
#include "sites_fixture.h"

#include "compiler/canonical/lower_objects.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/target/target.h"
#include "compiler/tiers/baseline.h"
#include "test/support/catch_header.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *three_calls = R"(
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

/// The function in baseline form, to be damaged before it goes through the code generator.
class Baseline {
public:
  explicit Baseline(const char *source = three_calls) : program_(source), function_(program_.function("f")) {
    records_ = lower_to_baseline(function_, program_.program());
    lower_objects(program_.module(), 0);
  }

  Function &function() { return function_; }
  Module &module() { return program_.module(); }
  LLVMContext &context() { return program_.context(); }

  CallInst &map(unsigned index) {
    for (IntrinsicInst *intrinsic : all<IntrinsicInst>(function_))
      if (intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap &&
          cast<ConstantInt>(intrinsic->getArgOperand(0))->getZExtValue() == index)
        return *intrinsic;
    FAIL("no stack map " << index);
    std::abort();
  }
  CallBase &call(unsigned index) { return *calls_of(function_, "ext").at(index); }
  ReturnInst &end() { return *all<ReturnInst>(function_).at(0); }

  /// The slot of the value called `name`.
  AllocaInst &slot(const std::string &name) {
    for (AllocaInst *slot : all<AllocaInst>(function_))
      if (slot->getName() == name + ".slot")
        return *slot;
    FAIL("no slot of " << name);
    std::abort();
  }

  /// Replaces map `index` by one with these operands.
  void set_operands(unsigned index, const std::vector<Value *> &operands) {
    CallInst &old = map(index);
    IRBuilder<> builder(&old);
    std::vector<Value *> arguments{old.getArgOperand(0), old.getArgOperand(1)};
    arguments.insert(arguments.end(), operands.begin(), operands.end());
    builder.CreateIntrinsic(Intrinsic::experimental_stackmap, {}, arguments);
    old.eraseFromParent();
  }
  std::vector<Value *> operands(unsigned index) {
    CallInst &found = map(index);
    return {found.arg_begin() + 2, found.arg_end()};
  }

  CodegenReport emit(CodegenLevel level = CodegenLevel::Fast) {
    require_valid(module());
    auto machine = cantFail(create_target_machine(level));
    CodegenReport report;
    cantFail(emit_object(module(), *machine, MachinePasses::Certify, report));
    CHECK(report.anchored.size() == records_.size());
    return report;
  }

private:
  NumberedProgram program_;
  Function &function_;
  std::vector<LoweredRecord> records_;
};

using Reasons = std::map<std::uint32_t, std::string>;

} // namespace

TEST_CASE("Check that undamaged baseline code has a certificate for each site", "[certificate]") {
  Baseline code;
  CHECK(code.emit().not_certified.empty());
}

TEST_CASE("Check that a value kept in an SSA register across a call is found", "[certificate]") {
  Baseline code;
  // As DemotePHIToStack does: one load before the call serves a use behind it.
  IRBuilder<> before(&code.call(1));
  Value *kept = before.CreateLoad(before.getInt64Ty(), &code.slot("x"), /*isVolatile=*/true);
  IRBuilder<> after(&code.end());
  after.CreateStore(kept, &code.slot("x"), /*isVolatile=*/true);
  // It crosses the second and the third call, not the first.
  CHECK(code.emit().not_certified == Reasons{{1, "an unrecorded spill slot of 8 bytes is live"},
                                             {2, "an unrecorded spill slot of 8 bytes is live"}});
}

TEST_CASE("Check that a value in a callee-saved register across a call is found", "[certificate]") {
  Baseline code;
  IRBuilder<> before(&code.call(2));
  Value *kept = before.CreateLoad(before.getInt64Ty(), &code.slot("x"), /*isVolatile=*/true);
  IRBuilder<> after(&code.end());
  after.CreateStore(kept, &code.slot("x"), /*isVolatile=*/true);
  Reasons reasons = code.emit(CodegenLevel::Optimizing).not_certified; // -O0 would spill it
  REQUIRE(reasons.contains(2));
  CHECK(reasons[2].starts_with("register R"));
  CHECK(reasons[2].ends_with(" is live"));
}

TEST_CASE("Check that a slot which the record does not name is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(1);
  std::vector<Value *> damaged;
  for (Value *operand : operands)
    if (operand != &code.slot("v"))
      damaged.push_back(operand);
  REQUIRE(damaged.size() + 1 == operands.size());
  code.set_operands(1, damaged);
  CHECK(code.emit().not_certified == Reasons{{1, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that another slot in place of the right one is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(2);
  for (Value *&operand : operands)
    if (operand == &code.slot("a"))
      operand = &code.slot("v");
  code.set_operands(2, operands);
  CHECK(code.emit().not_certified == Reasons{{2, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that an object of the frame with contents of its own is found", "[certificate]") {
  Baseline code;
  IRBuilder<> entry(&code.function().getEntryBlock(), code.function().getEntryBlock().begin());
  AllocaInst *object = entry.CreateAlloca(entry.getInt64Ty());
  IRBuilder<> before(&code.call(0));
  before.CreateStore(before.getInt64(5), object);
  IRBuilder<> between(&code.call(1));
  Value *read = between.CreateLoad(between.getInt64Ty(), object);
  between.CreateStore(read, &code.slot("x"));
  CHECK(code.emit().not_certified == Reasons{{0, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that an object whose half is read later is found, and one written before it is read is none",
          "[certificate]") {
  for (bool written : {false, true}) {
    Baseline code;
    IRBuilder<> entry(&code.function().getEntryBlock(), code.function().getEntryBlock().begin());
    AllocaInst *object = entry.CreateAlloca(entry.getInt64Ty());
    IRBuilder<> before(&code.call(1));
    before.CreateStore(before.getInt64(5), object);
    IRBuilder<> after(&code.end());
    Value *upper = after.CreateConstGEP1_32(after.getInt32Ty(), object, 1);
    if (written)
      after.CreateStore(after.getInt32(1), upper);
    Value *half = after.CreateLoad(after.getInt32Ty(), upper, /*isVolatile=*/true);
    after.CreateStore(after.CreateZExt(half, after.getInt64Ty()), &code.slot("x"));
    Reasons reasons = code.emit().not_certified;
    if (written)
      CHECK(reasons.empty());
    else
      CHECK(reasons == Reasons{{1, "an unrecorded local object of 8 bytes is live"},
                               {2, "an unrecorded local object of 8 bytes is live"}});
  }
}

TEST_CASE("Check that an operand that is no slot is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(0);
  operands.push_back(ConstantInt::get(Type::getInt64Ty(code.context()), 42));
  code.set_operands(0, operands);
  CHECK(code.emit().not_certified == Reasons{{0, "an operand is no frame slot"}});
}

TEST_CASE("Check that room which the code generator takes within a block holds nothing elsewhere", "[certificate]") {
  Baseline code(R"(
    declare double @ext(double)
    declare { double, double } @llvm.modf.f64(double)
    declare { double, i32 } @llvm.frexp.f64.i32(double)
    declare { double, double } @llvm.sincos.f64(double)
    define double @f(double %x, i32 %n) {
    entry:
      br label %loop
    loop:
      %i = phi i32 [ 0, %entry ], [ %next, %loop ]
      %sum = phi double [ 0.0, %entry ], [ %more, %loop ]
      %a = call double @ext(double %sum)
      %parts = call { double, double } @llvm.modf.f64(double %a)
      %whole = extractvalue { double, double } %parts, 1
      %b = call double @ext(double %whole)
      %scaled = call { double, i32 } @llvm.frexp.f64.i32(double %b)
      %exponent = extractvalue { double, i32 } %scaled, 1
      %real = sitofp i32 %exponent to double
      %both = call { double, double } @llvm.sincos.f64(double %b)
      %cosine = extractvalue { double, double } %both, 1
      %c = fadd double %real, %cosine
      %more = fadd double %c, %x
      %next = add i32 %i, 1
      %end = icmp eq i32 %next, %n
      br i1 %end, label %done, label %loop
    done:
      ret double %more
    })");
  CHECK(code.emit().not_certified == Reasons{});
}

TEST_CASE("Check that undefined parts of wide phis are no values that live from the beginning on", "[certificate]") {
  for (const char *type : {"<16 x i32>", "<8 x double>", "<24 x i16>"}) {
    std::string source = R"(
      declare void @ext()
      define void @f(ptr %in, ptr %out, ELEMENT %x, i32 %n) {
      entry:
        br label %outer
      outer:
        %o = phi i32 [ 0, %entry ], [ %onext, %inner_done ]
        call void @ext()
        %first = insertelement TYPE poison, ELEMENT %x, i32 LAST
        br label %inner
      inner:
        %i = phi i32 [ 0, %outer ], [ %next, %inner ]
        %recur = phi TYPE [ %first, %outer ], [ %now, %inner ]
        %place = getelementptr TYPE, ptr %in, i32 %i
        %now = load TYPE, ptr %place, align 4
        %mixed = shufflevector TYPE %recur, TYPE %now, <2 x i32> <i32 LAST, i32 COUNT>
        %target = getelementptr <2 x ELEMENT>, ptr %out, i32 %i
        store <2 x ELEMENT> %mixed, ptr %target, align 4
        %next = add i32 %i, 1
        %end = icmp eq i32 %next, %n
        br i1 %end, label %inner_done, label %inner
      inner_done:
        %onext = add i32 %o, 1
        %oend = icmp eq i32 %onext, %n
        br i1 %oend, label %done, label %outer
      done:
        ret void
      })";
    auto replace = [&](StringRef from, const std::string &to) {
      for (std::size_t at; (at = source.find(from.str())) != std::string::npos;)
        source.replace(at, from.size(), to);
    };
    StringRef element = StringRef(type).drop_back().split(" x ").second;
    unsigned count = 0;
    REQUIRE_FALSE(StringRef(type).drop_front().split(' ').first.getAsInteger(10, count));
    replace("TYPE", type);
    replace("ELEMENT", element.str());
    replace("LAST", std::to_string(count - 1));
    replace("COUNT", std::to_string(count));
    INFO(type);
    Baseline code(source.c_str());
    CHECK(code.emit().not_certified == Reasons{});
  }
}

TEST_CASE("Check that the rest of a slot behind a value of odd size is nothing that lives", "[certificate]") {
  for (const char *type :
       {"<3 x float>", "<3 x i32>", "<5 x i16>", "<7 x i8>", "<5 x i1>", "<9 x i1>", "<64 x i1>", "i93", "i200", "i256",
        "i512", "<6 x double>", "<17 x i32>", "<33 x i8>", "<2 x i128>", "x86_fp80"}) {
    std::string source = R"(
      declare void @ext()
      define void @f(ptr %p, i32 %n) {
      entry:
        call void @ext()
        %first = load TYPE, ptr %p
        br label %loop
      loop:
        %i = phi i32 [ 0, %entry ], [ %next, %loop ]
        %value = phi TYPE [ %first, %entry ], [ %new, %loop ]
        call void @ext()
        %other = load TYPE, ptr %p
        call void @ext()
        %even = trunc i32 %i to i1
        %new = select i1 %even, TYPE %value, TYPE %other
        %next = add i32 %i, 1
        %end = icmp eq i32 %next, %n
        br i1 %end, label %done, label %loop
      done:
        store TYPE %new, ptr %p
        ret void
      })";
    for (std::size_t at; (at = source.find("TYPE")) != std::string::npos;)
      source.replace(at, 4, type);
    INFO(type);
    Baseline code(source.c_str());
    CHECK(code.emit().not_certified == Reasons{});
  }
}
