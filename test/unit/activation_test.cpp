// Check that a host sees each activation and the front end's own values of it, in all tiers, and may enter at a point.
#include "grow_fixture.h"

#include <array>
#include <cstring>
#include <fmt/ranges.h>
#include <unistd.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

Runtime *seen = nullptr; ///< the runtime of the test
std::vector<std::string> trace;

std::string show(const ActivationValue &value) {
  if (value.bytes.empty())
    return "?";
  std::uint64_t word = 0;
  std::memcpy(&word, value.bytes.data(), std::min<std::size_t>(value.bytes.size(), 8));
  if (value.type == "double") {
    double number = 0;
    std::memcpy(&number, &word, 8);
    return fmt::format("{}", number);
  }
  return fmt::format("{}", std::int64_t(word));
}

std::uint64_t look(std::uint64_t x) {
  trace.clear();
  cantFail(seen->for_each_activation(
      [](const Activation &activation) {
        std::vector<std::string> values;
        for (const ActivationValue &value : activation.values)
          values.push_back(show(value));
        trace.push_back(fmt::format("{} {} ({})", activation.function,
                                    activation.point ? std::int64_t(*activation.point) : -1, fmt::join(values, " ")));
        return true;
      },
      gettid()));
  return x;
}

/// What the front end names is dead behind the call, or a constant, or the address of an object, or twice there.
const char *program = R"(
  @table = global [4 x i64] zeroinitializer
  declare i64 @look(i64)
  declare void @osr.point(i64)
  define internal i64 @leaf(i64 %a, double %d) {
    %dead = mul i64 %a, 3
    %x = call i64 @look(i64 %a) ["deopt"(i64 31, i64 %dead, double %d, i64 42, ptr null, i64 %a)]
    %y = add i64 %x, %a
    ret i64 %y
  }
  define i64 @middle(i64 %n) {
    %half = sdiv i64 %n, 2
    %real = sitofp i64 %n to double
    call void @osr.point(i64 20) ["deopt"(double %real, i64 %half, i64 %n)]
    %r = call i64 @leaf(i64 %half, double %real) ["deopt"(i64 21, i64 %n, i64 %half, ptr getelementptr (i8, ptr @table, i64 8))]
    %s = add i64 %r, %n
    ret i64 %s
  }
  define i64 @outer(i64 %n) {
    %object = alloca i64
    store i64 %n, ptr %object
    %r = call i64 @middle(i64 %n) ["deopt"(i64 11, ptr %object, i64 %n)]
    %kept = load i64, ptr %object
    %s = add i64 %r, %kept
    ret i64 %s
  })";

TEST_CASE("Each activation shows the values of its point, whatever tier it is in, inlined or not") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  Runtime::Options options;
  options.tier = tier;
  options.host_symbols = {{"look", reinterpret_cast<std::uint64_t>(&look)}};
  auto runtime = runtime_with({program}, std::move(options));
  seen = runtime.get();
  CHECK(call(*runtime, "outer", 40) == 20 + 20 + 40 + 40);
  REQUIRE(trace.size() == 3);
  CHECK(trace[0] == "leaf 31 (60 40 42 0 20)");
  CHECK(trace[1] == fmt::format("middle 21 (40 20 {})", cantFail(runtime->lookup("table")) + 8));
  CHECK_THAT(trace[2], Contains("outer 11 (") && Contains(" 40)"));
}

TEST_CASE("An activation that is on its way to other code shows the same") {
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.host_symbols = {{"look", reinterpret_cast<std::uint64_t>(+[](std::uint64_t x) {
                             auto outcome = cantFail(seen->replace("outer", {.to = Tier::Baseline}));
                             CHECK(outcome.rewritten == 1);
                             return look(x);
                           })}};
  auto runtime = runtime_with({program}, std::move(options));
  seen = runtime.get();
  CHECK(call(*runtime, "outer", 40) == 20 + 20 + 40 + 40);
  REQUIRE(trace.size() == 3);
  CHECK_THAT(trace[2], Contains("outer 11 (") && Contains(" 40)"));
}

TEST_CASE("An interpreter enters at a point with its own registers") {
  Runtime::Options options;
  options.host_symbols = {{"look", reinterpret_cast<std::uint64_t>(&look)}};
  auto runtime = runtime_with({program}, std::move(options));
  seen = runtime.get();
  const auto attached = cantFail(ThreadAttachment::attach());
  const std::uint64_t n = 100, half = 7, table = 0;
  const auto bytes = [](const std::uint64_t &word) { return std::as_bytes(std::span(&word, 1)); };
  CHECK(cantFail(runtime->enter_at_point("middle", 21, {bytes(n), bytes(half), bytes(table)}, 5)) == 105);
  const double real = 1;
  CHECK(cantFail(runtime->enter_at_point("middle", 20, {std::as_bytes(std::span(&real, 1)), bytes(half), bytes(n)})) ==
        7 + 7 + 100);
  const auto refusal = [&](const char *function, std::uint64_t point, ArrayRef<EnteredValue> values) {
    return toString(runtime->enter_at_point(function, point, values).takeError());
  };
  CHECK_THAT(refusal("middle", 22, {}), Contains("middle") && Contains("point 22"));
  CHECK_THAT(refusal("middle", 21, {bytes(n)}), Contains("1 values are given, the bundle has 3"));
  CHECK_THAT(refusal("outer", 11, {bytes(n), bytes(n)}), Contains("nothing is given that fills them"));
}

TEST_CASE("An interpreter enters a function with local objects, and fills them before") {
  const char *objects = R"(
    declare i64 @look(i64)
    declare void @swap(ptr, ptr)
    define internal i64 @with_object(i64 %x) {
      %inner = alloca [2 x i64]
      store i64 %x, ptr %inner
      %r = call i64 @look(i64 %x)
      %second = getelementptr i64, ptr %inner, i64 1
      store i64 %r, ptr %second
      call void @swap(ptr %inner, ptr %second)
      %y = load i64, ptr %inner
      ret i64 %y
    }
    define i64 @outer(i64 %n) {
      %wide = alloca [4 x i64], align 64
      %small = alloca i32
      store i64 %n, ptr %wide
      store i32 7, ptr %small
      %r = call i64 @look(i64 %n) ["deopt"(i64 11, ptr %wide, i64 %n, ptr %small)]
      %last = getelementptr [4 x i64], ptr %wide, i64 0, i64 3
      call void @swap(ptr %wide, ptr %last)
      %kept = load i64, ptr %wide
      %i = load i32, ptr %small
      %w = zext i32 %i to i64
      %inner = call i64 @with_object(i64 %w)
      %a = add i64 %r, %kept
      %b = add i64 %a, %n
      %c = add i64 %b, %inner
      ret i64 %c
    })";
  static Tier next;
  Runtime::Options options;
  options.host_symbols = {
      {"look", reinterpret_cast<std::uint64_t>(+[](std::uint64_t x) {
         cantFail(seen->replace("outer", {.to = next})); // the activation leaves, and takes its objects along
         next = next == Tier::Baseline ? Tier::Optimized : Tier::Baseline;
         return x;
       })},
      {"swap", reinterpret_cast<std::uint64_t>(+[](std::uint64_t *a, std::uint64_t *b) { std::swap(*a, *b); })}};
  auto runtime = runtime_with({objects}, std::move(options));
  seen = runtime.get();
  next = GENERATE(Tier::Baseline, Tier::Optimized);
  const auto attached = cantFail(ThreadAttachment::attach());
  const std::uint64_t n = 100;
  const auto fill = [&](ArrayRef<EnteredObject> found) {
    REQUIRE(found.size() == 2);
    for (const EnteredObject &object : found) {
      REQUIRE(object.value);
      CHECK(llvm::all_of(object.bytes, [](std::byte each) { return each == std::byte(0); }));
      if (*object.value == 0) {
        CHECK(object.name == "wide");
        REQUIRE(object.bytes.size() == 4 * sizeof(std::uint64_t));
        CHECK(reinterpret_cast<std::uint64_t>(object.bytes.data()) % 64 == 0);
        new (object.bytes.data()) std::uint64_t[4]{1, 2, 3, 4000};
      } else {
        CHECK(*object.value == 2);
        REQUIRE(object.bytes.size() == sizeof(std::uint32_t));
        new (object.bytes.data()) std::uint32_t(9);
      }
    }
  };
  const std::array<EnteredValue, 3> values = {EnteredValue(), std::as_bytes(std::span(&n, 1)), EnteredValue()};
  for (unsigned i = 0; i < 3; ++i)
    CHECK(cantFail(runtime->enter_at_point("outer", 11, values, 5, fill)) == 5 + 4000 + 100 + 9);
  struct Refused {};
  CHECK_THROWS_AS(
      cantFail(runtime->enter_at_point("outer", 11, values, 5, [](ArrayRef<EnteredObject>) { throw Refused(); })),
      Refused);
  cantFail(Runtime::close(runtime));
}

} // namespace
} // namespace osr
