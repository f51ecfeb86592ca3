// Check that compiled code which is entered in the middle is left in any way, and nothing stays.
#include "grow_fixture.h"

#include <csetjmp>
#include <stdexcept>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *calls_twice = R"(
  declare i64 @host(i64)
  define i64 @f(i64 %n) {
    %x = call i64 @host(i64 %n) ["deopt"(i64 1, i64 %n)]
    %y = call i64 @host(i64 %x) ["deopt"(i64 2, i64 %n, i64 %x)]
    %z = add i64 %n, %y
    ret i64 %z
  })";

enum class Leave : std::uint8_t { Return, Throw, Jump };
Leave how_to_leave;
jmp_buf back;

std::uint64_t leave_host(std::uint64_t x) {
  switch (how_to_leave) {
  case Leave::Return: break;
  case Leave::Throw: throw std::runtime_error("from below");
  case Leave::Jump: std::longjmp(back, 1);
  }
  return x;
}

/// In the middle of f, behind the first call, whose result is 5.
std::uint64_t enter_behind_first(Runtime &runtime) {
  const std::uint64_t n = 100;
  return cantFail(runtime.enter_at_point("f", 1, {std::as_bytes(std::span(&n, 1))}, 5));
}

std::uint64_t enter_and_leave(Runtime &runtime, Leave how) {
  how_to_leave = how;
  if (how == Leave::Jump)
    return setjmp(back) == 0 ? enter_behind_first(runtime) : 0;
  try {
    return enter_behind_first(runtime);
  } catch (const std::runtime_error &) {
    return 0;
  }
}

TEST_CASE("Code that was entered in the middle is freed however it was left") {
  const Leave how = GENERATE(Leave::Return, Leave::Throw, Leave::Jump);
  auto runtime =
      runtime_with({calls_twice}, {.host_symbols = {{"host", reinterpret_cast<std::uint64_t>(&leave_host)}}});
  const auto attached = cantFail(ThreadAttachment::attach());
  constexpr unsigned rounds = 20;
  for (unsigned i = 0; i < rounds; ++i) {
    CHECK(enter_and_leave(*runtime, how) == (how == Leave::Return ? 105 : 0));
    cantFail(runtime->replace("f", {.to = Tier::Baseline})); // optimised code goes out of use
  }
  CHECK(enter_and_leave(*runtime, Leave::Return) == 105); // from here nothing is known of who has left by longjmp
  cantFail(runtime->replace("f", {.to = Tier::Baseline}));
  CHECK_FALSE(runtime->reclaim());
  const Statistics now = *runtime->snapshot();
  CHECK(now.freed.waiting == 0);
  CHECK(now.freed.objects >= rounds);
}

} // namespace
} // namespace osr
