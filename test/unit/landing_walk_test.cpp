// Walks that begin at any instruction between a throw and its handler are right, or end before they say anything wrong.
#include "test/support/catch_header.h"
#include "test/unit/stack_fixture.h"

#include <csignal>
#include <cstdint>
#include <map>

using namespace osr;
using namespace osr::test;

namespace {

std::uintptr_t keeper_cfa; // of the frame that catches: it is there all the time
std::map<WalkStatus, unsigned> ends;
unsigned seen = 0, missed = 0, cleaned = 0;

/// May come in malloc: allocates nothing, for all ways to end have been counted before.
void walk_at_instruction(int, siginfo_t *, void *context) {
  bool is_keeper_seen = false;
  FrameCursor cursor(exact(*static_cast<const ucontext_t *>(context)), *world().code, world().stubs, world().bounds);
  for (; !cursor.done(); cursor.advance())
    is_keeper_seen |= cursor.frame().cfa == keeper_cfa;
  ++ends.find(cursor.status())->second;
  if (cursor.status() == WalkStatus::ReachedBase)
    ++(is_keeper_seen ? seen : missed);
}

/// From here on a trap comes behind each instruction.
[[gnu::always_inline]] inline void begin_steps() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp"
               :
               :
               : "memory", "cc");
}
[[gnu::always_inline]] inline void end_steps() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp"
               :
               :
               : "memory", "cc");
}

struct Cleanup {
  ~Cleanup() { ++cleaned; }
};

volatile std::size_t area_bytes = 64;
volatile char *volatile area;

/// Its CFA is the frame pointer's, and its cleanup gives the exception back to the unwinder.
[[gnu::noinline]] void throw_above_area() {
  area = static_cast<volatile char *>(__builtin_alloca(area_bytes));
  const Cleanup cleanup;
  throw 1;
}

/// The exception lands here, too. Neither this nor the next one changes the frame pointer.
[[gnu::noinline]] void clean_up() {
  const Cleanup cleanup;
  throw_above_area();
}

[[gnu::noinline]] unsigned keep() {
  keeper_cfa = std::uintptr_t(__builtin_dwarf_cfa());
  try {
    begin_steps();
    clean_up();
  } catch (int) {
    end_steps();
    return 1;
  }
  return 0;
}

[[gnu::noinline]] unsigned keep_above_area() {
  area = static_cast<volatile char *>(__builtin_alloca(area_bytes));
  return keep() + 1;
}

} // namespace

TEST_CASE("a walk from any instruction on the way of an exception sees all frames that are left, or none") {
  struct sigaction action{}, before{};
  action.sa_sigaction = walk_at_instruction;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  for (unsigned status = 0; status <= unsigned(WalkStatus::Astray); ++status)
    ends[WalkStatus(status)] = 0;
  unsigned result = 0;
  with_base(nullptr, [&] { result = keep_above_area(); });
  sigaction(SIGTRAP, &before, nullptr);
  CHECK(result == 2);
  CHECK(cleaned == 2);
  CHECK(missed == 0);
  CHECK(seen > 1000);
  CHECK(ends[WalkStatus::Landing] > 20);
  for (const auto &[status, count] : ends)
    if (status != WalkStatus::ReachedBase && status != WalkStatus::Landing) {
      INFO(describe(status));
      CHECK(count == 0);
    }
}
