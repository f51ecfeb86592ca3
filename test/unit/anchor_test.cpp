// Checks that each record's PC is the return PC of its call, by disassembling what was emitted.
#include "codegen_fixture.h"
#include "generated_ir.h"

#include "test/support/catch_header.h"

using namespace osr;

namespace {

/// Checks one version; counts the locations it has by kind. Returns how many calls it has not, since instruction selection found
/// no way to them.
unsigned check_anchored(const CompiledVersion &version, std::map<RawLocation::Kind, unsigned> &kinds) {
  EmittedCode code = inspect(version);
  std::map<std::uint64_t, std::uint64_t> offsets = record_offsets(code);
  const CodegenReport &report = version.report;
  std::set<std::uint64_t> distinct;
  for (auto [number, offset] : offsets) {
    INFO("record " << number << " at " << offset);
    CHECK(code.return_pcs.contains(offset));
    CHECK(distinct.insert(offset).second);
    REQUIRE(number < version.sites.records.size());
    CHECK_FALSE(version.sites.records[number].frames.empty());
    CHECK(report.anchored.contains(std::uint32_t(number)));
  }
  CHECK(report.anchored.size() == offsets.size());
  CHECK(report.not_anchored.empty());
  CHECK(report.calls_with_record == offsets.size());
  CHECK(report.calls == code.return_pcs.size()); // tail calls do not come back
  CHECK(report.calls == report.calls_with_record + report.calls_without_site);
  unsigned unreachable = 0;
  for (std::size_t number = 0; number < version.sites.forms.size(); ++number) {
    SiteForm form = version.sites.forms[number];
    bool wants_record = form == SiteForm::StackMap || form == SiteForm::Spilled;
    bool orphan = report.orphans.contains(std::uint32_t(number));
    if (wants_record && !orphan && !offsets.contains(number)) {
      CHECK(report.calls_without_site == 0); // neither call nor record, or this would be one
      ++unreachable;
    } else {
      CHECK(offsets.contains(number) == (wants_record && !orphan));
    }
  }
  for (const RawRecord &record : code.map.records)
    for (const RawLocation &location : record.locations)
      ++kinds[location.kind];
  return unreachable;
}

} // namespace

TEST_CASE("Check that the record's PC is the return PC for every site of generated functions, in every version",
          "[anchor]") {
  std::map<RawLocation::Kind, unsigned> kinds;
  unsigned sites = 0, unreachable = 0;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    CompiledText text(generate_ir(seed));
    CompiledVersion baseline = text.compile("generated", Tier::Baseline);
    CHECK(baseline.sites.records.size() == text.compiler().program().functions[text.id("generated")].sites().size());
    CHECK(baseline.report.calls_without_site == 0);
    CHECK(baseline.report.not_certified.empty());
    std::map<RawLocation::Kind, unsigned> slots;
    unreachable += check_anchored(baseline, slots);
    CHECK(slots.size() == 1); // every value is named by the address of its slot
    CHECK(slots[RawLocation::Kind::Direct] > 0);
    CHECK(check_anchored(text.compile("generated", Tier::Optimized), kinds) == 0);
    for (std::uint32_t site = 0; site < baseline.sites.records.size(); ++site, ++sites)
      CHECK(check_anchored(text.compile("generated", Tier::Optimized, site), kinds) == 0);
  }
  CHECK(sites > 100);
  CHECK(unreachable * 50 < sites);
  // Not vacuous: values were in callee-saved registers, and spilled.
  CHECK(kinds[RawLocation::Kind::Register] > 100);
  CHECK(kinds[RawLocation::Kind::Indirect] > 100);
}

TEST_CASE("Check that no record names a register that the call destroys", "[anchor]") {
  const std::set<unsigned> preserved = {3, 6, 7, 12, 13, 14, 15}; // rbx, rbp, rsp, r12..r15
  for (unsigned seed = 1; seed <= 30; ++seed) {
    CompiledText text(generate_ir(seed));
    for (Tier tier : {Tier::Baseline, Tier::Optimized})
      for (const RawRecord &record : inspect(text.compile("generated", tier)).map.records)
        for (const RawLocation &location : record.locations)
          if (location.kind != RawLocation::Kind::Constant)
            CHECK(preserved.contains(location.dwarf_register));
  }
}

TEST_CASE("Check that a call that is expanded inline leaves no record and is counted as an orphan or not at all",
          "[anchor]") {
  CompiledText text(R"(
    declare i64 @ext(i64)
    declare i32 @memcmp(ptr, ptr, i64)
    define i64 @f(ptr %p, ptr %q, i64 %x) {
      %c = call i32 @memcmp(ptr %p, ptr %q, i64 8)
      %same = icmp eq i32 %c, 0
      %bit = zext i1 %same to i64
      %r = call i64 @ext(i64 %bit)
      %s = add i64 %r, %x
      ret i64 %s
    })");
  std::map<RawLocation::Kind, unsigned> kinds;
  CompiledVersion version = text.compile("f", Tier::Optimized);
  check_anchored(version, kinds);
  CHECK(version.report.calls == 1); // memcmp is exempt, and expanded
}

TEST_CASE("Check that a tail call has no record, and is an ordinary site in baseline code", "[anchor]") {
  CompiledText text(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = add i64 %a, %x
      %r = tail call i64 @ext(i64 %b)
      ret i64 %r
    })");
  std::map<RawLocation::Kind, unsigned> kinds;
  CompiledVersion optimized = text.compile("f", Tier::Optimized);
  check_anchored(optimized, kinds);
  CHECK(optimized.sites.forms == std::vector{SiteForm::StackMap, SiteForm::TailCall});
  CHECK(optimized.report.calls == 1);
  CompiledVersion baseline = text.compile("f", Tier::Baseline);
  check_anchored(baseline, kinds);
  CHECK(baseline.report.calls_with_record == 2);
}

TEST_CASE("Check that fallbacks are counted, have a reason, and lead to a form that can be anchored", "[anchor]") {
  unsigned fallbacks = 0, plain = 0;
  std::map<RawLocation::Kind, unsigned> kinds;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    CompiledText text(generate_ir(seed));
    CompiledVersion version = text.compile("generated", Tier::Optimized);
    fallbacks += version.fallbacks.size();
    for (const auto &[number, reason] : version.fallbacks) {
      INFO("record " << number << ": " << reason);
      CHECK_FALSE(reason.empty());
      REQUIRE(number < version.sites.forms.size());
    }
    check_anchored(version, kinds); // values in slots or whole records spilled: in the end each one is
    for (SiteForm form : version.sites.forms) {
      CHECK(form != SiteForm::Refused); // a slot of its own always serves
      plain += form == SiteForm::StackMap;
    }
  }
  CHECK(plain > 100);
  CHECK(fallbacks > 0); // address arithmetic between call and record happens
}

TEST_CASE("Check that compiling twice gives the same bytes", "[anchor]") {
  auto bytes = [](unsigned seed, Tier tier) {
    CompiledText text(generate_ir(seed));
    return text.compile("generated", tier).object->getBuffer().str();
  };
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    CHECK(bytes(3, tier) == bytes(3, tier));
}
