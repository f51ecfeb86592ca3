// Check that a walk steps over a stub that was interrupted at any of its instructions: to the same older activations, which
// see the same registers, as from where it begins.
#include "osr_fixture.h"

#include "runtime/machine/context.h"
#include "runtime/stack/frame_cursor.h"
#include "test/support/catch_header.h"

#include <csignal>

using namespace osr;

namespace {

constexpr std::uint64_t trap_flag = 0x100;

/// A trap after each instruction from here on, until somebody clears the flag.
void begin_stepping() { asm volatile("pushfq\n orq $0x100, (%%rsp)\n popfq" ::: "memory", "cc"); }

/// Activations that are older than the stub's own.
struct Older {
  std::vector<RegisterSet> activations; ///< the last one: the caller of the program
  friend bool operator==(const Older &, const Older &) = default;
};

struct Stepper {
  OsrProgram *program = nullptr;
  std::optional<Older> at_entry;
  std::uint64_t stub_pc = 0;
  unsigned stops = 0, stubs = 0, differences = 0, failed_walks = 0;

  void stop(ucontext_t &context);
  Older look(const RegisterSet &registers);
};
Stepper stepper;

Older Stepper::look(const RegisterSet &registers) {
  Older older;
  const RegistryLookup lookup = program->engine().lookup();
  FrameCursor cursor({registers, PcKind::Exact}, lookup, program->engine().stub_table(), program->bounds());
  CHECK(cursor.frame().stub_pc == stub_pc);
  CHECK(cursor.frame().kind == PcKind::Exact);
  while (!cursor.done()) {
    cursor.advance();
    older.activations.push_back(cursor.registers());
  }
  failed_walks += cursor.status() != WalkStatus::ReachedBase;
  return older;
}

/// The stub that was interrupted holds no lock and allocates nothing, so the handler may.
void Stepper::stop(ucontext_t &context) {
  const RegisterSet registers = arch::from_context(context);
  const auto stub = program->engine().stub_table().stub_around(registers.pc);
  if (!stub) {
    if (at_entry) // it has jumped to the new code
      context.uc_mcontext.gregs[REG_EFL] &= ~greg_t(trap_flag);
    at_entry.reset();
    return;
  }
  ++stops;
  stub_pc = stub->entry_pc;
  const Older older = look(registers);
  stubs += !at_entry;
  if (!at_entry)
    CHECK(registers.pc == stub->entry_pc);
  at_entry = at_entry.value_or(older);
  differences += older != *at_entry;
}

void on_trap(int, siginfo_t *, void *context) { stepper.stop(*static_cast<ucontext_t *>(context)); }

class StepHandler {
public:
  explicit StepHandler(OsrProgram &program) {
    stepper = {};
    stepper.program = &program;
    struct sigaction action = {};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, &previous_);
  }
  ~StepHandler() { sigaction(SIGTRAP, &previous_, nullptr); }

private:
  struct sigaction previous_ = {};
};

/// A caller that needs all callee-saved registers, and two functions of which the optimiser makes one.
constexpr const char *nested_text = R"(
  declare i64 @ext(i64)
  define i64 @inner(i64 %x, i64 %y) {
    %a = mul i64 %x, 3
    %b = xor i64 %y, %x
    %c = udiv i64 %x, 7
    %e = add i64 %y, %c
    %r = call i64 @ext(i64 1)
    %s = call i64 @ext(i64 2)
    %t = mul i64 %r, %a
    %u = xor i64 %t, %b
    %v = mul i64 %u, %c
    %w = add i64 %v, %e
    %z = add i64 %w, %s
    ret i64 %z
  }
  define i64 @outer(i64 %x, i64 %y) {
    %k = xor i64 %x, 255
    %l = mul i64 %y, %y
    %r = call i64 @inner(i64 %k, i64 %l)
    %s = mul i64 %r, %k
    %t = sub i64 %s, %l
    ret i64 %t
  }
  define i64 @caller(i64 %x, i64 %y) noinline {
    %a = mul i64 %x, 5
    %b = mul i64 %y, 7
    %c = xor i64 %x, %y
    %d = lshr i64 %x, 3
    %e = lshr i64 %y, 5
    %r = call i64 @outer(i64 %x, i64 %y) noinline
    %f = xor i64 %a, %r
    %g = mul i64 %b, %f
    %h = add i64 %c, %g
    %i = xor i64 %d, %h
    %j = add i64 %e, %i
    ret i64 %j
  })";

} // namespace

TEST_CASE("Check that walks pass a stub that was interrupted at any instruction", "[interrupted]") {
  OsrProgram program(nested_text);
  StepHandler handler(program);
  unsigned runs = 0;
  for (Tier newest : {Tier::Optimized, Tier::Baseline})
    for (Tier oldest : {Tier::Optimized, Tier::Baseline})
      for (Landing first : {Landing::InPlace, Landing::Continuation})
        for (Landing second : {Landing::InPlace, Landing::Continuation}) {
          program.use("outer", newest);
          program.use("inner", newest);
          program.use("caller", oldest);
          const auto run = [&](bool replaces) {
            program.on_ext = [&](std::uint64_t number) {
              if (replaces) {
                program.replace(0, number == 1 ? first : second);
                begin_stepping();
              }
              return number * 1000003;
            };
            return program.run("caller", 0x1234'5678'9abc, 0xfedc'ba98'7654);
          };
          CHECK(run(true) == run(false));
          ++runs;
        }
  CHECK(stepper.failed_walks == 0);
  CHECK(stepper.differences == 0);
  CHECK(stepper.stubs == 2 * runs);
  CHECK(stepper.stops > 10 * stepper.stubs);
  CHECK(program.statistics().transitions.split > 0);
  CHECK(program.statistics().transitions.in_place > 0);
  CHECK(program.statistics().transitions.continuation > 0);
}
