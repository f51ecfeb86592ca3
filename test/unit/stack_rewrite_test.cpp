// Return PCs are rewritten, seen through, and put back; all unwinders pass the stubs.
#include "runtime/code/eh_frame_builder.h"
#include "runtime/stack/unwinder.h"
#include "test/support/catch_header.h"
#include "test/unit/jump_stubs.h"
#include "test/unit/stack_fixture.h"

#include <map>

extern "C" void __register_frame(void *);
extern "C" void __deregister_frame(void *);

using namespace osr;
using namespace osr::test;

namespace {

/// A stub for each distinct pc of our frames, known to the walk, to libgcc and to libunwind while the object lives.
class Stubs {
public:
  explicit Stubs(const Walk &walk) {
    for (const Activation &frame : walk.frames)
      if (frame.code && !stub_of_.count(frame.pc))
        add(frame);
    code_.seal();
  }
  ~Stubs() {
    for (auto [pc, stub] : stub_of_)
      world().stubs.remove(stub);
    for (auto &section : sections_)
      __deregister_frame(section.data());
  }

  std::uintptr_t for_pc(std::uintptr_t pc) const { return stub_of_.at(pc); }
  std::size_t size() const { return stub_of_.size(); }

private:
  void add(const Frame &frame) {
    const std::uintptr_t entry = stub_of_[frame.pc] = code_.add(frame.pc);
    world().stubs.add(entry, {frame.pc, frame.code, this});
    sections_.push_back(build_eh_frame(entry - 1, JumpStubs::stub_size, *frame.row));
    __register_frame(sections_.back().data());
    registrations_.push_back(
        llvm::cantFail(UnwindRegistration::add(entry - 1, JumpStubs::stub_size, sections_.back())));
  }

  JumpStubs code_;
  std::map<std::uintptr_t, std::uintptr_t> stub_of_;
  std::vector<std::vector<std::uint8_t>> sections_;
  std::vector<UnwindRegistration> registrations_;
};

void rewrite(const Walk &walk, const Stubs &stubs) {
  for (const Activation &frame : walk.frames) {
    if (!frame.code)
      continue;
    const ReturnPc return_pc(frame, world().stubs);
    CHECK_FALSE(return_pc.is_rewritten());
    CHECK(return_pc.rewrite(stubs.for_pc(frame.pc)));
    CHECK_FALSE(return_pc.rewrite(stubs.for_pc(frame.pc))); // a second time changes nothing
    CHECK(return_pc.is_rewritten());
    CHECK(return_pc.original() == frame.pc);
    CHECK(return_pc.current() == stubs.for_pc(frame.pc));
  }
}

void undo(const Walk &walk) {
  for (const Activation &frame : walk.frames)
    if (frame.stub_pc) {
      CHECK(ReturnPc(frame, world().stubs).undo());
      CHECK_FALSE(ReturnPc(frame, world().stubs).undo());
    }
}

void check_same(const Walk &before, const Walk &after, const Stubs *stubs) {
  REQUIRE(before.frames.size() == after.frames.size());
  for (std::size_t i = 0; i < before.frames.size(); ++i) {
    const Activation &a = before.frames[i], &b = after.frames[i];
    CHECK(a.registers == b.registers);
    CHECK(a.cfa == b.cfa);
    CHECK(b.stub_pc == (b.code && stubs ? stubs->for_pc(b.pc) : 0));
  }
}

} // namespace

TEST_CASE("rewritten return PCs are invisible to walks, and the stubs run") {
  for (const bool put_back : {false, true}) {
    std::optional<Stubs> stubs;
    with_base(
        [&] {
          ucontext_t here;
          getcontext(&here);
          const Walk before = walk(exact(here));
          stubs.emplace(before);
          rewrite(before, *stubs);
          const Walk after = walk(exact(here));
          CHECK(after.status == WalkStatus::ReachedBase);
          CHECK(broken_links(after) == "");
          check_same(before, after, &*stubs);
          CHECK(difference_to_libgcc(after) == "");
          if (!put_back)
            return;
          undo(after);
          check_same(before, walk(exact(here)), nullptr);
        },
        [] { CHECK(world().chain(9, 2) == expected_chain(9, 2)); });
    CHECK(stubs->size() == 2);
  }
}

TEST_CASE("a walk that knows only foreign code passes registered stubs") {
  std::optional<Stubs> stubs;
  with_base(
      [&] {
        OSR_WALK_FROM_HERE(here);
        stubs.emplace(here);
        // A thread that was stopped inside a stub: the pc is exact, and no code object contains it.
        for (const Activation &frame : here.frames)
          if (frame.code) {
            RegisterSet registers = frame.registers;
            registers.pc = stubs->for_pc(frame.pc);
            const Walk from_stub = walk({registers, PcKind::Exact});
            CHECK(from_stub.status == WalkStatus::ReachedBase);
            CHECK(from_stub.frames[0].cfa == frame.cfa);
          }
      },
      [] { world().chain(3, 2); });
}

TEST_CASE("a different stub for the same pc may take over") {
  StubTable stubs;
  std::uintptr_t slot = 0x1234;
  stubs.add(0x5000, {0x1234, nullptr, nullptr});
  stubs.add(0x5010, {0x1234, nullptr, nullptr});
  Frame frame;
  frame.pc = 0x1234;
  frame.return_pc_slot = std::uintptr_t(&slot);
  frame.sp = frame.newest_sp = frame.return_pc_slot + 8;
  const ReturnPc return_pc(frame, stubs);
  CHECK(return_pc.rewrite(0x5000));
  CHECK(return_pc.rewrite(0x5010));
  CHECK(slot == 0x5010);
  CHECK(return_pc.undo());
  CHECK(slot == 0x1234);
}

TEST_CASE("rewriting refuses what it does not expect") {
  StubTable stubs;
  std::uintptr_t slot[2] = {0x1234, 0};
  stubs.add(0x5000, {0x1234, nullptr, nullptr});
  Frame frame;
  frame.pc = 0x1234;
  frame.return_pc_slot = std::uintptr_t(&slot[0]);
  frame.sp = frame.newest_sp = frame.return_pc_slot + 8;
  CHECK_FALSE(aborts([&] { ReturnPc(frame, stubs).rewrite(0x5000); }));
  CHECK(aborts([&] { ReturnPc(frame, stubs).rewrite(0x6000); })); // not a stub for this pc
  Frame changed = frame;
  changed.kind = PcKind::Exact;
  CHECK(aborts([&] { ReturnPc(changed, stubs); }));
  changed = frame;
  changed.return_pc_slot -= 8;
  CHECK(aborts([&] { ReturnPc(changed, stubs); })); // not at CFA-8
  changed = frame;
  changed.newest_sp += 16;
  CHECK(aborts([&] { ReturnPc(changed, stubs); })); // below the newest sp
  slot[0] = 0x9999;
  CHECK(aborts([&] { ReturnPc(frame, stubs).rewrite(0x5000); })); // the frame has returned
  CHECK(aborts([&] { ReturnPc(frame, stubs).undo(); }));
}
