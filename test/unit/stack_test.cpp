// The stack walk over real stacks: mixed frames, sites, failures, libunwind's view.
#include "runtime/machine/context.h"
#include "runtime/stack/unwinder.h"
#include "test/support/catch_header.h"
#include "test/unit/stack_fixture.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

using namespace osr;
using namespace osr::test;

/// Of the calling thread, from where it is called.
static void check_whole(const Walk &walk) {
  CHECK(walk.status == WalkStatus::ReachedBase);
  CHECK(broken_links(walk) == "");
  CHECK(difference_to_libgcc(walk) == "");
}

TEST_CASE("a walk sees every activation, as libgcc does") {
  std::vector<std::string> names;
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        check_whole(here);
        names = our_functions(here);
      },
      [] { CHECK(world().chain(5, 7) == expected_chain(5, 7)); });
  CHECK(names == std::vector<std::string>(6, "chain"));
}

TEST_CASE("a walk passes from our code through libc into our code again") {
  unsigned walks = 0;
  std::vector<std::int64_t> data = {5, 3, 9, 1, 4, 8, 2, 7};
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        check_whole(here);
        CHECK(our_functions(here) == std::vector<std::string>{"compare", "sort"});
        ++walks;
      },
      [&] { CHECK(world().sort(data.data(), data.size()) == 1); });
  CHECK(walks >= data.size() - 1);
  CHECK(std::is_sorted(data.begin(), data.end()));
}

extern "C" void osr_test_aligned_call(void (*call)());

TEST_CASE("a walk passes through a function of gcc that has aligned its frame, without libunwind") {
  unsigned aligned = 0, walks = 0;
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        check_whole(here);
        for (const Activation &frame : here.frames) {
          const StepRules::Kind kind =
              frame.code ? StepRules::Kind::Row : find_foreign_rules(frame.pc, frame.kind).kind;
          CHECK(kind != StepRules::Kind::Other);
          aligned += kind == StepRules::Kind::ThroughBase;
        }
        ++walks;
      },
      [&] { osr_test_aligned_call([] { world().chain(2, 1); }); });
  CHECK(walks == 1);
  CHECK(aligned == 1);
}

TEST_CASE("what a function that aligned its frame says to have saved beside the stack is not read") {
  const std::uintptr_t stack[8] = {};
  const auto low = std::uintptr_t(stack);
  StepRules rules{StepRules::Kind::ThroughBase, {}};
  rules.row.base = CfaBase::FramePointer;
  rules.row.cfa_offset = -8;
  for (const std::uintptr_t base : {std::uintptr_t(8), low, low + 12, low + sizeof stack + 8, ~std::uintptr_t(0) - 7}) {
    RegisterSet registers{low, low, {}};
    registers.saved[unsigned(frame_pointer)] = base;
    PcKind kind = PcKind::ReturnPc;
    CHECK(step_foreign(rules, registers, kind, {low + sizeof stack, low + sizeof stack}) != WalkStatus::Walking);
  }
}

TEST_CASE("a walk passes through assembly that keeps the stack's old place in memory") {
  std::uintptr_t stack[8] = {0, 0, 0, 0x1234, 0x5678, 0, 0, 0};
  const auto low = std::uintptr_t(stack), end = low + sizeof stack;
  stack[1] = std::uintptr_t(&stack[4]); // the CFA is 8 bytes above
  StepRules rules{StepRules::Kind::ThroughBase, {}};
  rules.row.cfa_offset = 8;
  rules.row.word_addend = 8;
  rules.row.saved_by_cfa = true;
  rules.row.saved[unsigned(frame_pointer)] = -16;
  RegisterSet registers{low, low, {}};
  PcKind kind = PcKind::Exact;
  CHECK(step_foreign(rules, registers, kind, {end, end}) == WalkStatus::Walking);
  CHECK(registers.sp == std::uintptr_t(&stack[5]));
  CHECK(registers.pc == 0x5678);
  CHECK(registers.saved[unsigned(frame_pointer)] == 0x1234);
  CHECK(kind == PcKind::ReturnPc);
  for (const std::uintptr_t word : {std::uintptr_t(0), low - 8, low + 4, end + 8}) {
    stack[1] = word;
    registers = {low, low, {}};
    CHECK(step_foreign(rules, registers, kind, {end, end}) != WalkStatus::Walking);
  }
}

TEST_CASE("a walk passes a handler's return, whichever of its two instructions is next") {
  static volatile std::uintptr_t return_pc;
  struct sigaction action = {}, previous;
  action.sa_handler = [](int) { return_pc = std::uintptr_t(__builtin_return_address(0)); };
  sigaction(SIGUSR1, &action, &previous);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &previous, nullptr);
  CHECK(arch::is_signal_trampoline(return_pc));
  CHECK(arch::is_signal_trampoline(return_pc + 7));
  CHECK_FALSE(arch::is_signal_trampoline(return_pc + 2));
}

TEST_CASE("a walk can start at a return PC") {
  Walk from_return_pc, from_here;
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        const auto ours = std::find_if(here.frames.begin(), here.frames.end(), [](auto &f) { return f.code; });
        from_here.frames.assign(ours, here.frames.end());
        from_return_pc = walk({ours->registers, PcKind::ReturnPc});
        CHECK(broken_links(from_return_pc) == "");
      },
      [] { world().chain(2, 1); });
  REQUIRE(from_here.frames.size() == from_return_pc.frames.size());
  for (std::size_t i = 0; i < from_here.frames.size(); ++i) {
    CHECK(from_return_pc.frames[i].cfa == from_here.frames[i].cfa);
    CHECK(from_return_pc.frames[i].return_pc_slot == from_here.frames[i].return_pc_slot);
  }
}

namespace {

/// The frame in which chain waits for its recursive call.
Activation recursive_frame() {
  Activation found;
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        for (const Activation &frame : here.frames)
          if (frame.code)
            found = frame; // the oldest one
      },
      [] { world().chain(2, 1); });
  return found;
}

} // namespace

TEST_CASE("sites are known by their return PC, and their frame size is checked") {
  StackWorld &w = world();
  const Activation frame = recursive_frame();
  CHECK(frame.code == &w.object);
  CHECK_FALSE(frame.is_site);
  SiteRecord record;
  record.return_pc_offset = w.object.offset_of(frame.pc);
  record.frames.push_back({});
  w.object.sites = SiteTable::build(record);
  w.object.cfa_from_sp = std::int32_t(frame.cfa - frame.sp);
  CHECK(recursive_frame().is_site);
  w.object.cfa_from_sp += 16;
  CHECK(aborts([&] { with_base([&] { walk({frame.registers, PcKind::ReturnPc}); }, [] { world().chain(0, 0); }); }));
  w.object.cfa_from_sp = 0;
  w.object.sites = SiteTable();
}

/// The number that the next file gets.
static int lowest_descriptor() {
  const int number = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(number >= 0);
  close(number);
  return number;
}

TEST_CASE("a walk that cannot go on says why and where") {
  with_base(nullptr, [] {
    StackWorld &w = world();
    ucontext_t context;
    getcontext(&context);
    const WalkStart good = exact(context);
    const auto status = [](const WalkStart &start) { return walk(start).status; };
    CHECK(status(good) == WalkStatus::ReachedBase);

    static const std::uint64_t not_code[4] = {};
    WalkStart nowhere = good;
    for (const std::uintptr_t pc : {std::uintptr_t(&not_code), std::uintptr_t(&context), std::uintptr_t(0)}) {
      nowhere.registers.pc = pc;
      CHECK(status(nowhere) == WalkStatus::NoUnwindInfo);
      CHECK(walk(nowhere).frames.empty());
      CHECK(walk(nowhere).last_pc == pc);
    }

    WalkStart odd = good;
    odd.registers.sp += 4;
    odd.registers.saved[unsigned(SavedRegister::Rbp)] += 4; // whichever the frame's CFA is made from
    CHECK(status(odd) == WalkStatus::Misaligned);
    WalkStart elsewhere = good;
    elsewhere.registers.sp = w.bounds.end + 8;
    CHECK(status(elsewhere) == WalkStatus::OutOfBounds);

    const StackBounds bounds = w.bounds;
    w.bounds.base = bounds.end - 8; // in the middle of a frame: may be passed, but then not beyond the end
    w.bounds.end = bounds.end - 8;
    CHECK(status(good) == WalkStatus::OutOfBounds);
    w.bounds.end = bounds.end;
    CHECK(status(good) == WalkStatus::ReachedBase);
    w.bounds.base = w.bounds.end = ~std::uintptr_t(0); // no base: the walk comes to the process's entry
    const int lowest = lowest_descriptor();
    CHECK(status(good) == WalkStatus::EndOfStack);
    CHECK(lowest_descriptor() == lowest); // the numbers of descriptors are the program's
    w.bounds = bounds;
  });
}

TEST_CASE("a broken frame of our code is a bug") {
  const WalkStart calling{{world().jit.address("chain") + 1, 0x7004, {}}, PcKind::ReturnPc};
  CHECK(aborts([&] {
    world().bounds.base = world().bounds.end = 0x8000;
    walk(calling);
  }));
}

TEST_CASE("a frame of our code that was interrupted may be broken: assembly moves the stack pointer") {
  const StackBounds bounds = world().bounds;
  world().bounds.base = world().bounds.end = 0x8000;
  const WalkStart interrupted{{world().jit.address("chain"), 0x7004, {}}, PcKind::Exact};
  CHECK(walk(interrupted).status == WalkStatus::Misaligned);
  world().bounds = bounds;
}

namespace {

class NoCode final : public CodeLookup {
public:
  CodeView find_code(std::uintptr_t) const override { return {}; }
  CodeView view_of(const CodeObject &) const override { return {}; }
  std::optional<std::int32_t> site_cfa_from_sp(const CodeObject &, std::uintptr_t) const override { return {}; }
};

struct ForeignViews {
  bool libunwind_reached_base = false;
  WalkStatus cursor_without_registry = WalkStatus::Walking;
};

/// How those who have not heard of the code registry see our frames.
ForeignViews look_at_chain() {
  ForeignViews views;
  with_base(
      [&] {
        unw_context_t context;
        unw_cursor_t cursor;
        unw_getcontext(&context);
        unw_init_local(&cursor, &context);
        unw_word_t sp = 0;
        for (unsigned i = 0; i < 100 && sp < world().bounds.base && unw_step(&cursor) > 0; ++i)
          unw_get_reg(&cursor, UNW_REG_SP, &sp);
        views.libunwind_reached_base = sp == world().bounds.base;
        ucontext_t here;
        getcontext(&here);
        const NoCode no_code;
        FrameCursor ours(exact(here), no_code, world().stubs, world().bounds);
        while (!ours.done())
          ours.advance();
        views.cursor_without_registry = ours.status();
      },
      [] { world().chain(4, 4); });
  return views;
}

} // namespace

TEST_CASE("code is known to libunwind exactly as long as it is registered") {
  const JitCode &code = *world().jit.objects()[0];
  // At its final address: the linker's memory still holds the section.
  const llvm::ArrayRef section(reinterpret_cast<const std::uint8_t *>(code.eh_frame_address), code.eh_frame.size());
  for (unsigned round = 0; round < 3; ++round) {
    CHECK(look_at_chain().cursor_without_registry == WalkStatus::NoUnwindInfo);
    const auto registration = llvm::cantFail(UnwindRegistration::add(code.begin, code.end - code.begin, section));
    CHECK(look_at_chain().cursor_without_registry == WalkStatus::ReachedBase);
    CHECK(look_at_chain().libunwind_reached_base);
  }
  auto empty = UnwindRegistration::add(0x1000, 0x10, section);
  REQUIRE_FALSE(bool(empty));
  CHECK(llvm::toString(empty.takeError()).find("no unwind information for the code at 0x1000") != std::string::npos);
}
