// What a walk remembers about return PCs is right also when code and stubs go and others get their addresses.
#include "runtime/stack/frame_rules.h"
#include "runtime/stack/registry_lookup.h"
#include "runtime/stack/stub_table.h"
#include "test/support/catch_header.h"

using namespace osr;

namespace {

constexpr std::uint64_t begin = 0x500000, return_pc = begin + 0x20;

/// Code at `begin` whose frames are `frame_size` bytes and that has a site at return_pc.
std::unique_ptr<CodeObject> make_object(std::int32_t frame_size) {
  auto object = std::make_unique<CodeObject>();
  object->code_begin = object->entry_pc = begin;
  object->code_size = 0x100;
  UnwindRange range{0, 0x100, UnwindRow::leaf()};
  range.row.cfa_offset = object->cfa_from_sp = frame_size;
  object->rows = llvm::cantFail(UnwindRows::from_ranges({&range, 1}));
  object->sites = SiteTable::build({{0x20, true, {{{1, 0}, {}}}}});
  return object;
}

struct Fixture {
  CodeRegistry registry{{begin, begin + 0x1000}};
  RegistryLookup lookup{registry};
  StubTable stubs;
  RulesFinder finder{lookup, stubs};

  void check(std::uintptr_t pc, const CodeObject &object, std::uintptr_t stub_pc = 0) {
    for (int time = 0; time < 2; ++time) { // found out, then remembered
      const FrameRules &rules = finder.find(pc, PcKind::ReturnPc);
      CHECK(rules.pc == return_pc);
      CHECK(rules.stub_pc == stub_pc);
      CHECK(rules.is_ours);
      CHECK(rules.code == &object);
      CHECK(rules.our_row == object.rows.find(0x1f));
      CHECK(rules.step.row.cfa_offset == object.cfa_from_sp);
      CHECK(rules.is_site);
      CHECK(rules.site_cfa_from_sp == object.cfa_from_sp);
    }
  }
};

constexpr std::uintptr_t stub_pc = 0x900001;

} // namespace

TEST_CASE_METHOD(Fixture, "code at the address of removed code has rules of its own") {
  const auto first = make_object(0x40), second = make_object(0x80);
  registry.add(*first);
  check(return_pc, *first);
  registry.remove(*first);
  CHECK_FALSE(finder.find(return_pc, PcKind::ReturnPc).is_ours);
  registry.add(*second);
  registry.remove(*second);
  registry.add(*first);
  check(return_pc, *first);
  registry.remove(*first);
  registry.add(*second);
  check(return_pc, *second);
}

TEST_CASE_METHOD(Fixture, "a stub at the address of a removed stub has rules of its own") {
  const auto first = make_object(0x40), second = make_object(0x80);
  stubs.add(stub_pc, {return_pc, first.get(), nullptr});
  check(stub_pc, *first, stub_pc);
  stubs.remove(stub_pc);
  stubs.add(stub_pc, {return_pc, second.get(), nullptr});
  check(stub_pc, *second, stub_pc);
}

TEST_CASE_METHOD(Fixture, "frames of freed code and of the code at its address now are told apart in one walk") {
  const auto freed = make_object(0x40), now = make_object(0x80);
  registry.add(*now);
  stubs.add(stub_pc, {return_pc, freed.get(), nullptr});
  check(return_pc, *now);
  check(stub_pc, *freed, stub_pc);
  check(return_pc, *now);
}
