// Runs transition scripts on the fake machine and compares the outcome with the oracle.
#pragma once

#include "test/unit/stubs_machine.h"
#include "test/unit/stubs_oracle.h"

#include <cstdint>
#include <random>
#include <string>

namespace osr::test {

enum class Executor : std::uint8_t { EmittedNear, EmittedFar, Interpreter };

class StubFixture {
public:
  StubFixture();
  ~StubFixture();

  /// Fills stack and registers with random bytes; what the script needs of them is put on the fake stack.
  void prepare(const TransitionScript &script, std::mt19937_64 &random);
  /// Makes the stub, without running it. The script must live until the last run.
  void load(const TransitionScript &script, Executor executor);
  /// Puts the prepared world in place, runs the stub and says what went wrong, "" if nothing did. With
  /// `signals`, memory that signal handlers may use is not compared.
  std::string run(const TransitionScript &script, Stepping stepping = Stepping::Off, bool signals = false);

  /// All of it, on every executor.
  std::string check(const TransitionScript &script, std::mt19937_64 &random);

  /// For scripts that count: how often each was incremented in all runs of this fixture.
  std::uint64_t counters[2] = {};

  const EmittedStub &stub() const { return stub_; }
  std::uint64_t stub_address() const { return address_; }
  const World &before() const { return before_; }
  const World &expected() const { return expected_; }
  const FakeStack &stack() const { return stack_; }

private:
  World observed(const Registers &landed) const;
  void ignore_free_bytes(const TransitionScript &script, World &actual, bool signals) const;

  static constexpr std::size_t object_stack_bytes = 1 << 16;
  FakeStack stack_;
  CodeMemory near_{CodeMemory::Place::NearTheProgram}, far_{CodeMemory::Place::FarFromTheProgram};
  std::vector<std::uint8_t> object_stack_;
  char *previous_top_ = nullptr;
  World before_, expected_;
  EmittedStub stub_;
  std::uint64_t address_ = 0;
};

/// Short forms for hand-made scripts.
ValueSource at(std::int32_t cfa_offset);
ValueSource in(SavedRegister reg);
ValueSource constant(std::uint64_t value);
ValueSource address(std::int32_t cfa_offset);
ValueTarget to(std::int32_t cfa_offset);
ValueTarget to(SavedRegister reg);
ValueTarget to_buffer(std::int32_t offset);

/// A script whose old and new frames have the same size.
TransitionScript script_in_place(std::int32_t frame_bytes, std::vector<Move> moves);

} // namespace osr::test
