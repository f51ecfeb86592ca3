// Checks compiles that are begun and finished apart, several at once.
#include "codegen_fixture.h"
#include "test/support/catch_header.h"

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>

using namespace llvm;
using namespace osr;

namespace {

const std::string chain_of_three = "declare i64 @ext(i64)" + loop_with_a_call("one", 3) + R"(
  define i64 @two(i64 %n) {
    %a = call i64 @one(i64 %n)
    %b = call i64 @one(i64 %a)
    %c = mul i64 %a, %b
    ret i64 %c
  })";
constexpr const char *new_one = "define i64 @one(i64 %n) {\n ret i64 %n\n}";

std::vector<VersionKey> all_versions(CompiledText &program) {
  return {{program.id("one"), Tier::Optimized, std::nullopt},
          {program.id("two"), Tier::Optimized, std::nullopt},
          {program.id("one"), Tier::Optimized, 0},
          {program.id("two"), Tier::Optimized, 1}};
}

const Compiler::Options options{.verify_each_pass = true, .optimize_apart = true};

} // namespace

TEST_CASE("Versions that are finished in several threads are those that are compiled one after the other") {
  CompiledText in_turn(chain_of_three, options), at_once(chain_of_three, options);
  std::vector<CompiledVersion> expected;
  for (const VersionKey &key : all_versions(in_turn))
    expected.push_back(cantFail(in_turn.compiler().compile(key)));

  std::vector<PendingCompile> pending;
  for (const VersionKey &key : all_versions(at_once))
    pending.push_back(cantFail(at_once.compiler().begin(key)));
  std::vector<std::optional<CompiledVersion>> made(pending.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < pending.size(); ++i)
    threads.emplace_back([&, i] { made[i] = cantFail(at_once.compiler().finish(pending[i])); });
  for (std::thread &thread : threads)
    thread.join();
  for (std::size_t i = 0; i < pending.size(); ++i) {
    CHECK_FALSE(at_once.compiler().is_outdated(pending[i]));
    CHECK(made[i]->symbol == expected[i].symbol);
    CHECK(inspect(*made[i]).code == inspect(expected[i]).code);
  }
}

TEST_CASE("A compile is outdated when the program has changed, or what its code may rest on") {
  CompiledText program(chain_of_three, options);
  Compiler &compiler = program.compiler();
  const VersionKey key{program.id("two"), Tier::Optimized, std::nullopt};

  auto before_redefinition = cantFail(compiler.begin(key));
  CHECK_FALSE(compiler.is_outdated(before_redefinition));
  const FunctionId one = program.id("one");
  compiler.adopt_body(one, cantFail(compiler.prepare_body(one, MemoryBufferRef(new_one, "new"))));
  CHECK(compiler.is_outdated(before_redefinition));
  auto version = compiler.finish(before_redefinition);
  REQUIRE_FALSE(bool(version));
  CHECK(toString(version.takeError()) == "the program has changed meanwhile");

  auto before_drop = cantFail(compiler.begin(key));
  CHECK_FALSE(compiler.is_outdated(before_drop));
  CHECK(compiler.drop_assumption({one, 0}));
  CHECK(compiler.is_outdated(before_drop));
  CHECK_FALSE(compiler.drop_assumption({one, 0}));
}

TEST_CASE("Who locks the gate waits for those inside, and they for the gate") {
  CompileGate gate;
  std::atomic<int> inside = 0, rounds = 0;
  std::atomic<bool> was_shared = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const std::shared_lock guard(gate);
        ++inside;
        ++rounds;
        --inside;
      }
    });
  for (int i = 0; i < 100; ++i) {
    const std::lock_guard closed(gate);
    if (inside != 0)
      was_shared = true;
  }
  for (std::thread &thread : threads)
    thread.join();
  CHECK_FALSE(was_shared);
  CHECK(rounds == 3000);
}
