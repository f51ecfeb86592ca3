// Checks an embedder's interpreter that takes over from compiled code and gives back to it.
#include "guarded_program.h"
#include "test/support/catch_header.h"

#include <bit>
#include <cstring>

using namespace llvm;
using namespace osr;

namespace {

std::span<const std::byte> bytes_of(const std::uint64_t &value) {
  return std::as_bytes(std::span<const std::uint64_t, 1>(&value, 1));
}

std::string error_of(Expected<std::uint64_t> result) { return result ? "" : toString(result.takeError()); }

} // namespace

TEST_CASE("An embedder's interpreter gets the frame state and gives the result") {
  program().inside([&] {
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.function == "widenable");
      CHECK(frame.result_type == "i64");
      REQUIRE(frame.arguments.size() == 1);
      CHECK(frame.arguments[0].type == "i32");
      CHECK(frame.arguments[0].words[0] == 42);
      REQUIRE(frame.state.size() == 2);
      CHECK(frame.state[1].words[0] == 11);
      return {frame.state[0].words[0] * 2};
    };
    CHECK(program().call("widenable", 5) == 1);
    for (std::uint64_t i = 0; i < 5; ++i)
      CHECK(program().call("widenable", 100 + i) == 200 + 2 * i);
    CHECK(guards().exits.at("widenable#0: deoptimize") == 3);
  });
}

TEST_CASE("Values of all kinds are handed over as words") {
  program().inside([&] {
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.result_type == "{ i64, double }");
      std::vector<std::vector<std::uint64_t>> words;
      for (const DeoptimizedValue &value : frame.state)
        words.emplace_back(value.words.begin(), value.words.end());
      const long double extended = 12345;
      std::uint64_t extended_words[2] = {};
      std::memcpy(extended_words, &extended, 10);
      CHECK(words == std::vector<std::vector<std::uint64_t>>{{12345 & 8191},
                                                             {std::bit_cast<std::uint32_t>(12345.0f)},
                                                             {std::bit_cast<std::uint64_t>(12345.0)},
                                                             {extended_words[0], extended_words[1]},
                                                             {0, 12345},
                                                             {12345},
                                                             {0, std::uint64_t(9) << 32}});
      return {40, std::bit_cast<std::uint64_t>(2.0)};
    };
    for (int i = 0; i < 5; ++i)
      CHECK(program().call("uses_kinds", 12345) == 42);
  });
}

TEST_CASE("An interpreter goes on in compiled code in mid-function") {
  program().inside([&] {
    unsigned interpreted = 0;
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.arguments[0].words[0] == 3);
      ++interpreted;
      const std::uint64_t i = frame.state[0].words[0], s = frame.state[1].words[0], n = frame.state[2].words[0];
      const FunctionInfo *info = program().runtime().engine().program().find_function("loop");
      std::vector<EnteredValue> state; // by the names that the values have in the IR
      for (const FrameStateValue &value : info->sites()[0].state)
        state.push_back(bytes_of(value.name == "i" ? i : value.name == "s" ? s : n));
      // As if the call had returned something else than 50.
      return {cantFail(program().runtime().enter_at("loop", 0, state, 1'000'000))};
    };
    program().on_host = [](std::uint64_t i) { return i; };
    for (int round = 0; round < 5; ++round)
      CHECK(program().call("loop", 100) == 99 * 100 / 2 - 50 + 1'000'000);
    CHECK(interpreted == 5);
    CHECK(guards().exits.at("loop#1: guard") == 3);
  });
}

TEST_CASE("Where nobody can go on is said") {
  program().inside([&] {
    Runtime &runtime = program().runtime();
    const std::uint64_t x = 0;
    CHECK_THAT(error_of(runtime.enter_at("loop", 0, {bytes_of(x)})),
               Catch::Matchers::Contains("1 values are given, its frame state has 3"));
    CHECK_THAT(error_of(runtime.enter_at("loop", 0, {bytes_of(x), bytes_of(x), bytes_of(x).first(4)})),
               Catch::Matchers::Contains("4 bytes are given for"));
    CHECK_THAT(error_of(runtime.enter_at("has_object", 0, {})),
               Catch::Matchers::Contains("nothing is given that fills them"));
    CHECK_THAT(error_of(runtime.enter_at("kinds", 1, {})), Catch::Matchers::Contains("general register"));
    CHECK_THAT(error_of(runtime.enter_at("loop", 77, {})), Catch::Matchers::Contains("site"));
    CHECK_THAT(error_of(runtime.enter_at("nobody", 0, {})), Catch::Matchers::Contains("no function 'nobody'"));
  });
}
