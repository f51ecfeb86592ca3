// Checks guards in a running program: where failed ones end, what is counted, what is compiled afterwards.
#include "guarded_program.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;

TEST_CASE("A failed guard ends in baseline code, in its continuation, and is counted; often failed it is not assumed") {
  program().inside([&] {
    const auto before = guards();
    CHECK(program().call("small_only", 5) == 6);
    CHECK(guards().failed == before.failed);
    std::string stack;
    program().on_host = [&](std::uint64_t x) {
      stack = program().stack();
      return x;
    };
    std::vector<std::string> stacks;
    for (std::uint64_t i = 0; i < 6; ++i) {
      CHECK(program().call("small_only", 100 + i) == 1100 + i);
      stacks.push_back(stack);
    }
    // The continuation, its caller, main.
    CHECK(stacks == std::vector<std::string>{"OBO", "OBO", "OBO", "OOO", "OOO", "OOO"});
    const auto after = guards();
    CHECK(after.failed == before.failed + 3);
    CHECK(after.dropped == before.dropped + 1);
    CHECK(after.invalidated == before.invalidated + 1);
    CHECK(after.exits.at("small_only#0: guard") == 3);
    for (std::uint64_t i = 0; i < 10'000; ++i)
      CHECK(program().call("small_only", 50 + i % 100) == (i % 100 < 50 ? 51 + i % 100 : 1050 + i % 100));
    CHECK(guards().failed == after.failed);
    CHECK(guards().invalidated == after.invalidated);
  });
}

TEST_CASE("A guard that was inlined leaves with the frames around it, each with its values") {
  program().inside([&] {
    const auto before = program().runtime().snapshot()->transitions.split;
    std::vector<std::string> stacks;
    program().on_host = [&](std::uint64_t x) {
      stacks.push_back(program().stack());
      return x;
    };
    CHECK(program().call("sums", 10) == 50);
    // The first exit goes on in baseline code, which calls the function itself: the second exit. The third is the last.
    for (int i = 0; i < 3; ++i)
      CHECK(program().call("sums", 100) == 400 + 900 + 300);
    CHECK(stacks.size() == 10);
    CHECK(stacks[1] == "OBBO"); // the continuation, checked, sums, main
    CHECK(program().runtime().snapshot()->transitions.split == before + 2);
  });
}

TEST_CASE("Callers learn nothing from optimised code about what activations do that leave it") {
  program().inside([&] {
    CHECK(program().call("watches", 0) == 0);
    for (int i = 0; i < 5; ++i)
      CHECK(program().call("watches", 1) == 2);
  });
}

TEST_CASE("Code with many guards is not compiled anew for each of them") {
  program().inside([&] {
    const auto before = guards();
    for (std::uint64_t bit = 0; bit < 7; ++bit)
      for (int i = 0; i < 10; ++i)
        CHECK(program().call("bits", 1u << bit) == (1u << bit) + 1000);
    CHECK(guards().dropped == before.dropped + Assumptions::most_dropped);
    CHECK(guards().failed == before.failed + 3 * Assumptions::most_dropped);
    CHECK(guards().invalidated == before.invalidated + Assumptions::most_dropped);
  });
}
