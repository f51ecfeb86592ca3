// Checks what baseline code counts: at which branches and calls, and that it counts exactly.
#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/profile_points.h"
#include "sites_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *profiled_declarations = R"(
  declare void @ext()
  declare void @other()
  declare void @third()
  declare void @fourth()
  declare void @last() noreturn
)";

struct Counted {
  explicit Counted(const std::string &text) : program(fixture.canonical(profiled_declarations + text)) {
    insert_loop_polls(program);
    insert_profile_points(program);
    require_valid(*program.module);
  }
  Function &function(StringRef name = "f") { return *program.module->getFunction(name); }
  /// Of each counted branch: the sides that may be given up, "true", "false" or "both".
  std::vector<std::string> branches() {
    std::vector<std::string> found;
    for (CallBase *call : calls_of(function(), profile_branch)) {
      const bool no = may_give_up(*cast<CallInst>(call), false), yes = may_give_up(*cast<CallInst>(call), true);
      found.push_back(no && yes ? "both" : no ? "false" : yes ? "true" : "none");
    }
    return found;
  }

  CanonicalFixture fixture;
  CanonicalProgram program;
};

using Strings = std::vector<std::string>;
Strings branches(const std::string &text) { return Counted(text).branches(); }

/// A diamond with these sides.
std::string sides(const std::string &if_true, const std::string &if_false) {
  return "define void @f(i1 %c) {\n  br i1 %c, label %yes, label %no\nyes:\n" + if_true + "no:\n" + if_false +
         "join:\n  ret void\n}\n";
}
const std::string calls = "  call void @ext()\n  br label %join\n",
                  calls_other = "  call void @other()\n  br label %join\n";
const std::string stores = "  store volatile i32 1, ptr null\n  br label %join\n";

} // namespace

TEST_CASE("Check that branches count of which a side has a site and comes back", "[profile]") {
  CHECK(branches(sides(calls, calls_other)) == Strings{"both"});
  CHECK(branches(sides(calls, stores)) == Strings{"true"});
  CHECK(branches(sides(stores, calls)) == Strings{"false"});
  CHECK(branches(sides(stores, stores)).empty());
  CHECK(branches(sides("  call void @ext()\n  ret void\n", stores)) == Strings{"true"});
  CHECK(branches(sides("  call void @ext()\n  call void @last()\n  unreachable\n", stores)).empty());
}

TEST_CASE("Check that what has a site behind another branch counts for both", "[profile]") {
  CHECK(branches(R"(
    define void @f(i1 %c, ptr %p) {
      br i1 %c, label %outer, label %join
    outer:
      %d = load volatile i1, ptr %p
      br i1 %d, label %inner, label %join
    inner:
      call void @ext()
      br label %join
    join:
      ret void
    })") == Strings{"true", "true"});
}

TEST_CASE("Check that the end of a loop is not given up, but a way out of its middle, and what stays inside",
          "[profile]") {
  const std::string loop = R"(
    define void @f(ptr %p) {
      br label %head
    head:
      %v = load volatile i64, ptr %p
      %early = icmp eq i64 %v, 7
      br i1 %early, label %first, label %body
    body:
      call void @ext()
      %w = load volatile i64, ptr %p
      %out = icmp eq i64 %w, 8
      br i1 %out, label %middle, label %latch
    middle:
      call void @other()
      ret void
    latch:
      call void @ext()
      %x = load volatile i64, ptr %p
      %go = icmp ne i64 %x, 0
      br i1 %go, label %head, label %done
    first:
      call void @third()
      ret void
    done:
      call void @fourth()
      ret void
    })";
  CHECK(branches(loop) == Strings{"false", "both"});
}

TEST_CASE("Check that only calls by pointer count, and pinned functions not at all", "[profile]") {
  Counted counted(R"(
    define void @f(ptr %p, ptr %q) {
      call void %p()
      call void @ext()
      call void %q()
      ret void
    }
    define void @g(ptr %p, ...) {
      %list = alloca [24 x i8]
      call void @llvm.va_start.p0(ptr %list)
      call void %p()
      ret void
    }
    declare void @llvm.va_start.p0(ptr))");
  CHECK(calls_of(counted.function(), profile_target).size() == 2);
  CHECK(counted.program.find_function("f")->profile_points == 2);
  CHECK(calls_of(counted.function("g"), profile_target).empty());
  for (CallBase *point : calls_of(counted.function(), profile_target)) {
    const CallBase *call = call_behind(*cast<CallInst>(point));
    REQUIRE(call);
    CHECK(call->getCalledOperand() == point->getArgOperand(1));
    const CallInst *guard = guard_of_point(*cast<CallInst>(point));
    REQUIRE(guard);
    CHECK(cast<ConstantInt>(guard->getArgOperand(0))->getZExtValue() == std::uint64_t(ExitReason::Target));
  }
}

TEST_CASE("Check that other sites keep their numbers", "[profile]") {
  const std::string text = std::string(profiled_declarations) + sides(calls, calls_other) + R"(
    define void @g(ptr %p) {
      call void @ext()
      call void %p()
      call void @ext()
      ret void
    })";
  NumberedProgram plain(text);
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(text);
  insert_profile_points(program);
  number_sites(program, fixture.machine());
  for (const char *name : {"f", "g"}) {
    const std::vector<Site> &sites = program.find_function(name)->sites(), &before = plain.info(name).sites();
    REQUIRE(sites.size() > before.size());
    for (std::size_t i = 0; i < before.size(); ++i)
      CHECK(sites[i].callee == before[i].callee);
    for (std::size_t i = before.size(); i < sites.size(); ++i)
      CHECK(sites[i].callee == guard_failed_callee);
  }
}

namespace {

std::vector<int> called;
void first() { called.push_back(1); }
void second() { called.push_back(2); }
void third() { called.push_back(3); }

/// Lowers the points of `f` to these and calls it by `use`.
void count(const std::string &text, std::vector<ProfilePoint> &points, const std::function<void(void *)> &use) {
  Counted counted(text);
  Module &module = *counted.program.module;
  points.resize(counted.program.find_function("f")->profile_points);
  lower_profile_points(counted.function(), reinterpret_cast<std::uint64_t>(points.data()));
  auto define = [&](StringRef name, auto *address) {
    if (Function *function = module.getFunction(name))
      function->replaceAllUsesWith(ConstantExpr::getIntToPtr(
          ConstantInt::get(Type::getInt64Ty(module.getContext()), reinterpret_cast<std::uint64_t>(address)),
          function->getType()));
  };
  define("ext", &first);
  define(guard_failed_callee, &std::abort); // no counter has wrapped round
  define(count_target_callee, &count_new_target);
  lower_poll_word(module, 0);
  osr::run(std::move(counted.program.module), counted.fixture.machine(), "f", use);
}

} // namespace

TEST_CASE("Check that each side of a branch is counted exactly", "[profile]") {
  std::vector<ProfilePoint> points;
  count(sides(calls, stores).replace(sides(calls, stores).find("ptr null"), 8, "ptr @word") + "@word = global i32 0\n",
        points, [](void *address) {
          auto *f = reinterpret_cast<void (*)(bool)>(address);
          for (int i = 0; i < 1000; ++i)
            f(i % 10 < 3);
        });
  REQUIRE(points.size() == 1);
  CHECK(points[0].counts[0] == 700);
  CHECK(points[0].counts[1] == 300);
}

TEST_CASE("Check that targets are counted exactly as long as there are few", "[profile]") {
  std::vector<ProfilePoint> points;
  called.clear();
  count("define void @f(ptr %p) {\n  call void %p()\n  ret void\n}\n", points, [](void *address) {
    auto *f = reinterpret_cast<void (*)(void (*)())>(address);
    for (int i = 0; i < 1000; ++i)
      f(i % 10 < 3 ? &first : i % 10 < 4 ? &second : &third);
  });
  REQUIRE(points.size() == 1);
  CHECK(points[0].total == 1000);
  CHECK(points[0].targets[0] == reinterpret_cast<std::uint64_t>(&first));
  CHECK(points[0].targets[1] == reinterpret_cast<std::uint64_t>(&second));
  CHECK(points[0].targets[2] == reinterpret_cast<std::uint64_t>(&third));
  CHECK(std::vector(points[0].counts, points[0].counts + 3) == std::vector<std::uint32_t>{300, 100, 600});
  CHECK(called.size() == 1000);
}

TEST_CASE("Check that a target which becomes frequent takes the place of the rarest", "[profile]") {
  ProfilePoint point{{1, 2, 3}, {50, 3, 40}, 93};
  count_new_target(point, 4);
  count_new_target(point, 4);
  CHECK(point.targets[1] == 2);
  count_new_target(point, 4);
  CHECK(point.targets[1] == 4);
  CHECK(point.counts[1] == 1);
  CHECK(std::vector(point.targets, point.targets + 3) == std::vector<std::uint64_t>{1, 4, 3});
}
