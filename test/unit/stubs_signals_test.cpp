// Check that a signal may arrive at any instruction of a stub: handlers run on the same stack, below rsp and the red
// zone, and must not meet anything the stub still needs; and the rows for unwinders are right at every instruction.
#include "test/support/catch_header.h"
#include "test/unit/stubs_fixture.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/time.h>
#include <ucontext.h>

using namespace osr;
using namespace osr::test;

namespace {

/// What the handlers see of the running test; written by signal handlers only while a stub runs.
struct Observer {
  const StubFixture *fixture = nullptr;
  const TransitionScript *script = nullptr;
  volatile std::uint64_t stops_in_stub = 0;
  volatile std::uint64_t stops = 0;
  std::uint64_t moved_registers = 0,
                held_registers = 0; ///< of the caller: elsewhere than in the old frame; in scratch memory
  char complaint[160] = {}; ///< the first thing that was wrong
};
Observer observer;

[[gnu::noinline]] void use_much_stack() {
  volatile char bytes[8192];
  for (std::size_t index = 0; index < sizeof bytes; ++index)
    bytes[index] = char(0xa5);
}

void complain(const char *what, std::uint64_t offset, std::int64_t expected, std::int64_t found) {
  if (observer.complaint[0] == 0)
    *fmt::format_to_n(observer.complaint, sizeof observer.complaint - 1, "at +{}: {}: expected {}, found {}", offset,
                      what, expected, found)
         .out = 0;
}

constexpr int registers_in_context[] = {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15};

/// Registers of which a script says nothing, or that it overwrites, are not the caller's.
bool is_described(const TransitionScript &script, unsigned reg) {
  if (script.caller_before[reg] != script.caller_after[reg])
    return true;
  return std::ranges::none_of(script.moves, [&](const Move &move) {
    return move.target.kind == ValueTarget::Kind::Register && unsigned(move.target.reg) == reg;
  });
}

void expect_caller_registers(const gregset_t &now, const StubRow &row, std::uint64_t offset) {
  const StubFixture &fixture = *observer.fixture;
  const TransitionScript &script = *observer.script;
  const auto word_at = [&](std::int32_t place) {
    std::uint64_t word;
    std::memcpy(&word, fixture.stack().at(place), sizeof word);
    return word;
  };
  for (unsigned reg = 0; reg < saved_register_count; ++reg) {
    if (!is_described(script, reg))
      continue;
    std::uint64_t expected = fixture.before().registers.callee_saved[reg];
    if (const std::int32_t place = script.caller_before[reg])
      std::memcpy(&expected, fixture.before().at(place), sizeof expected);
    const std::uint64_t found =
        row.saved[reg] != 0 ? word_at(row.saved[reg]) : std::uint64_t(now[registers_in_context[reg]]);
    if (found != expected)
      complain("register of the caller", offset, std::int64_t(expected), std::int64_t(found));
    observer.moved_registers += row.saved[reg] != script.caller_before[reg];
    observer.held_registers +=
        row.saved[reg] != script.caller_before[reg] && row.saved[reg] != script.caller_after[reg];
  }
}

/// The machine between two instructions of an emitted stub, against what EmittedStub promises.
void check_stop(const gregset_t &now, std::uint64_t offset) {
  const StubFixture &fixture = *observer.fixture;
  const EmittedStub &stub = fixture.stub();
  const StubRow *row = &stub.rows.front();
  for (const StubRow &candidate : stub.rows)
    if (candidate.offset <= offset)
      row = &candidate;
  const auto cfa = std::int64_t(fixture.before().cfa);
  if (now[REG_RSP] + row->cfa_from_sp != cfa)
    complain("CFA", offset, cfa, now[REG_RSP] + row->cfa_from_sp);
  if (std::memcmp(fixture.stack().at(-8), fixture.before().at(-8), 8) != 0)
    complain("return PC", offset, 0, 1);
  expect_caller_registers(now, *row, offset);
}

void on_signal(int signal, siginfo_t *, void *context) {
  auto &now = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  const std::uint64_t pc = std::uint64_t(now[REG_RIP]);
  const std::uint64_t offset = pc - observer.fixture->stub_address();
  observer.stops = observer.stops + 1;
  if (offset < observer.fixture->stub().code.size()) {
    observer.stops_in_stub = observer.stops_in_stub + 1;
    check_stop(now, offset);
  }
  if (signal == SIGTRAP && pc == recorder())
    now[REG_EFL] &= ~std::int64_t(0x100); // no more traps
  use_much_stack();
}

class Handler {
public:
  explicit Handler(int signal) : signal_(signal) {
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO; // without SA_ONSTACK: on the stack of the stub
    sigaction(signal, &action, &previous_);
  }
  ~Handler() { sigaction(signal_, &previous_, nullptr); }

private:
  int signal_;
  struct sigaction previous_ = {};
};

class Timer {
public:
  explicit Timer(int microseconds) { set(microseconds); }
  ~Timer() { set(0); }

private:
  static void set(int microseconds) {
    itimerval value = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &value, nullptr);
  }
};

std::string step_through(StubFixture &fixture, const TransitionScript &script, std::mt19937_64 &random,
                         Executor executor) {
  fixture.prepare(script, random);
  fixture.load(script, executor);
  observer.fixture = &fixture;
  observer.script = &script;
  observer.complaint[0] = 0;
  std::string text = fixture.run(script, Stepping::On, true);
  if (text.empty())
    text = observer.complaint;
  return text.empty() ? "" : fmt::format("{}\n{}", text, describe(script));
}

std::string step_through(StubFixture &fixture, unsigned seed, Executor executor) {
  std::mt19937_64 random(seed);
  const TransitionScript script = random_script(random);
  const std::string text = step_through(fixture, script, random, executor);
  return text.empty() ? "" : fmt::format("seed {}: {}", seed, text);
}

} // namespace

TEST_CASE("a signal after every instruction of an emitted stub", "[stubs][signals]") {
  StubFixture fixture;
  Handler handler(SIGTRAP);
  observer.stops_in_stub = 0;
  unsigned below_the_red_zone = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    const std::string text = step_through(fixture, seed, seed % 2 ? Executor::EmittedNear : Executor::EmittedFar);
    REQUIRE(text == "");
    below_the_red_zone += fixture.stub().rows.size() > 2; // rsp went down for scratch memory and up again
  }
  CHECK(observer.stops_in_stub > 20000);
  CHECK(observer.moved_registers > 1000);
  CHECK(below_the_red_zone > 0);
}

TEST_CASE("the caller's registers are found while their slots change places", "[stubs][signals]") {
  using enum SavedRegister;
  StubFixture fixture;
  Handler handler(SIGTRAP);
  observer.held_registers = 0;
  std::mt19937_64 random(3);
  TransitionScript script = script_in_place(
      128, {{at(-24), to(-32)}, {at(-32), to(-40)}, {at(-40), to(-24)}, {in(R15), to(-64)}, {at(-64), to(R15)}});
  script.caller_before = {-24, 0, -32, -40, 0, 0};
  script.caller_after = {-32, 0, -40, -24, 0, -64};
  CHECK(step_through(fixture, script, random, Executor::EmittedNear) == "");
  CHECK(observer.held_registers > 0);
  // As in a landing that grows: two are restored, and their slots are overwritten by wide values.
  script = script_in_place(
      64, {{at(-24), to(Rbx)}, {at(-32), to(R12)}, {at(-64), to(-32), 24}, {in(Rbx), to(-96)}, {in(R12), to(-88)}});
  script.final_sp = -112;
  script.caller_before = {-24, 0, -32, 0, 0, 0};
  CHECK(step_through(fixture, script, random, Executor::EmittedFar) == "");
}

TEST_CASE("a signal after every instruction of the trampoline and the interpreter", "[stubs][signals]") {
  StubFixture fixture;
  Handler handler(SIGTRAP);
  observer.stops = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::string text = step_through(fixture, seed, Executor::Interpreter);
    REQUIRE(text == "");
  }
  CHECK(observer.stops > 20000);
}

TEST_CASE("a storm of timer signals", "[stubs][signals]") {
  StubFixture fixture;
  std::mt19937_64 random(1);
  std::vector<Move> moves;
  for (std::int32_t slot = 0; slot < 60; ++slot)
    moves.push_back({at(-500 + 8 * ((slot * 7 + 3) % 60)), to(-500 + 8 * slot)});
  moves.push_back({at(-32), to(-6000), 500});
  moves.back().source.cfa_offset = -504;
  TransitionScript script = script_in_place(512, moves);
  script.final_sp = -6016;
  fixture.prepare(script, random);
  observer.fixture = &fixture;
  observer.script = &script;
  observer.complaint[0] = 0;
  observer.stops = 0;
  Handler handler(SIGALRM);
  for (const Executor executor : {Executor::EmittedNear, Executor::Interpreter}) {
    const std::uint64_t enough = observer.stops + 500;
    fixture.load(script, executor);
    Timer timer(50);
    // The bound keeps the test finite where timers are slow.
    for (unsigned runs = 0; observer.stops < enough && runs < 2000000; ++runs) {
      const std::string text = fixture.run(script, Stepping::Off, true);
      if (!text.empty())
        FAIL(text);
    }
    CHECK(observer.stops >= enough);
  }
  CHECK(std::string(observer.complaint) == "");
}
