// Checks that code which is compiled for return-point patching can be patched at every site, and costs nothing otherwise.
#include "codegen_fixture.h"
#include "generated_ir.h"

#include "compiler/target/return_point.h"
#include "test/support/catch_header.h"

#include <algorithm>

using namespace osr;

namespace {

const Compiler::Options patchable{.verify_each_pass = true, .patchable_returns = true};

bool has_nop(const EmittedCode &code, std::uint64_t pc) {
  return pc + return_point_nop.size() <= code.code.size() &&
         std::equal(return_point_nop.begin(), return_point_nop.end(), code.code.begin() + std::ptrdiff_t(pc));
}

/// Every record stands behind its call and before the nop, and no branch leads to the nop or into it. Returns how many.
std::size_t check_patchable(const CompiledVersion &version) {
  EmittedCode code = inspect(version);
  std::map<std::uint64_t, std::uint64_t> offsets = record_offsets(code);
  for (auto [number, pc] : offsets) {
    INFO(version.symbol << ", record " << number << " at " << pc);
    CHECK(code.return_pcs.contains(pc));
    CHECK(has_nop(code, pc));
    auto next_target = code.branch_targets.lower_bound(pc);
    CHECK((next_target == code.branch_targets.end() || *next_target >= pc + return_point_nop.size()));
  }
  return offsets.size();
}

} // namespace

TEST_CASE("Check that only a return leads to the nop at a return PC, in every version of generated functions",
          "[return-point]") {
  std::size_t records = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    CompiledText text(generate_ir(seed), patchable);
    CompiledVersion baseline = text.compile("generated", Tier::Baseline);
    CHECK(baseline.report.not_certified.empty());
    records += check_patchable(baseline);
    records += check_patchable(text.compile("generated", Tier::Optimized));
    for (std::uint32_t site = 0; site < baseline.sites.records.size(); site += 3)
      records += check_patchable(text.compile("generated", Tier::Optimized, site));
  }
  CHECK(records > 200);
}

TEST_CASE("Check that calls at the ends of blocks, in loops and in front of each other are patchable",
          "[return-point]") {
  CompiledText text(R"(
declare void @effect(i32)
declare i32 @value()
define i32 @main(i32 %n, ptr %p, ptr %e) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %back ]
  call void @effect(i32 %i)
  call void @effect(i32 1)
  %v = call i32 @value()
  switch i32 %v, label %back [ i32 1, label %a  i32 2, label %b  i32 3, label %c  i32 4, label %d  i32 5, label %a ]
a:
  call void @effect(i32 10)
  br label %back
b:
  call void @effect(i32 20)
  br label %c
c:
  call void @effect(i32 30)
  br label %loop.exit
d:
  %w = call i32 @value()
  %again = icmp eq i32 %w, 0
  br i1 %again, label %d, label %back
back:
  %next = add i32 %i, 1
  %more = icmp slt i32 %next, %n
  br i1 %more, label %loop, label %loop.exit
loop.exit:
  ret i32 0
}
)",
                    patchable);
  CHECK(check_patchable(text.compile("main", Tier::Baseline)) == 7);
  CHECK(check_patchable(text.compile("main", Tier::Optimized)) >= 7);
}

TEST_CASE("Check that code has no nops at return PCs when return PCs are rewritten", "[return-point]") {
  CompiledText text(generate_ir(1));
  for (Tier tier : {Tier::Baseline, Tier::Optimized}) {
    EmittedCode code = inspect(text.compile("generated", tier));
    std::map<std::uint64_t, std::uint64_t> offsets = record_offsets(code);
    CHECK_FALSE(offsets.empty());
    CHECK(
        std::none_of(offsets.begin(), offsets.end(), [&](const auto &record) { return has_nop(code, record.second); }));
  }
}
