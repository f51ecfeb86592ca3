// Checks that a function gets the body back that it had, and that bodies are told apart which differ in numbers only.
#include "compiler/sites/same_shape.h"
#include "live_program.h"
#include "sites_fixture.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// sum(n) = factor * sum(n-1) + n, and the host's answer at the end. Its recursion is its site #0.
std::string sum_scaled(int factor, const char *operation = "mul") {
  return R"(
define i64 @sum(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @sum(i64 %next)
  %scaled = )" +
         std::string(operation) + " i64 %below, " + std::to_string(factor) + R"(
  %result = add i64 %scaled, %n
  ret i64 %result
end:
  %h = call i64 @host(i64 5)
  ret i64 %h
}
)";
}

LiveProgram &program() {
  static auto &program = *new LiveProgram(sum_scaled(3) + R"(
define i64 @user(i64 %n) noinline {
  %a = call i64 @sum(i64 %n)
  %b = mul i64 %a, 2
  ret i64 %b
}
)");
  return program;
}

RedefineOutcome redefine(const std::string &body) {
  const std::string ir = "declare i64 @host(i64)\n" + body;
  return cantFail(program().runtime().redefine("sum", MemoryBufferRef(ir, "sum"),
                                               {.same_sites_if_same_shape = true, .keep_old_body = true}));
}

RedefineOutcome revert() { return cantFail(program().runtime().revert("sum", {.same_sites_if_same_shape = true})); }

void at_host(std::function<void()> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    program().on_host = nullptr;
    act();
    return argument;
  };
}

/// What sum(2) is if each addition on the way out was made with this factor.
std::uint64_t sum_of_two(std::uint64_t inner, std::uint64_t outer) { return (5 * inner + 1) * outer + 2; }

/// Two definitions of f, the second of which gets another name.
bool same(const std::string &one, std::string other) {
  other.replace(other.find("@f("), 2, "@f2");
  NumberedProgram program("declare i64 @g(i64)\ndeclare i64 @h(i64)\ndeclare void @two(i64, i64)\n"
                          "@left = global i64 0\n@right = global i64 0\n" +
                          one + other);
  return have_same_shape(program.function("f"), program.function("f2"));
}

} // namespace

TEST_CASE("The body before comes back, as often as there were bodies") {
  program().inside([] {
    CHECK(program().call("user", 2) == 2 * sum_of_two(3, 3));
    CHECK(redefine(sum_scaled(7)).had_same_sites);
    redefine(sum_scaled(100));
    CHECK(program().call("user", 2) == 2 * sum_of_two(100, 100));
    CHECK(revert().had_same_sites);
    CHECK(program().call("user", 2) == 2 * sum_of_two(7, 7));
    revert();
    CHECK(program().call("user", 2) == 2 * sum_of_two(3, 3));
    auto none = program().runtime().revert("sum");
    CHECK_THAT(toString(none.takeError()), Contains("the body that it began with"));
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Activations come along, there and back, whether they have been on in the new body or not") {
  program().inside([] {
    at_host([] {
      CHECK(redefine(sum_scaled(100)).old_body.rewritten == 3);
      revert(); // while all of them wait
    });
    CHECK(program().call("sum", 2) == sum_of_two(3, 3));
    at_host([] { redefine(sum_scaled(100)); });
    CHECK(program().call("sum", 2) == sum_of_two(100, 100));
    at_host([] { revert(); });
    CHECK(program().call("sum", 2) == sum_of_two(3, 3));
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Activations end in a body of another shape") {
  program().inside([] {
    at_host([] {
      RedefineOutcome outcome = redefine(sum_scaled(100, "add"));
      CHECK_FALSE(outcome.had_same_sites);
      CHECK(program().call("sum", 1) == 5 + 100 + 1);
    });
    CHECK(program().call("sum", 2) == sum_of_two(3, 3));
    at_host([] { revert(); });
    CHECK(program().call("sum", 2) == (5 + 100 + 1) + 100 + 2);
    CHECK(program().call("sum", 2) == sum_of_two(3, 3));
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Redefining and reverting without end leaves nothing") {
  program().inside([] {
    std::size_t functions = 0;
    for (int round = 0; round != 40; ++round) {
      for (int body = 0; body != 3; ++body)
        redefine(sum_scaled(2 + body));
      for (int body = 0; body != 3; ++body)
        revert();
      program().runtime().reclaim();
      const std::size_t now = program().runtime().engine().program().functions.size();
      CHECK((round < 2 || now == functions));
      functions = now;
    }
    for (int body = 0; body != 30; ++body) // more than are kept
      redefine(sum_scaled(2 + body));
    for (int body = 0; body != 8; ++body)
      revert();
    CHECK(errorToBool(program().runtime().revert("sum").takeError()));
    CHECK(program().call("sum", 2) == sum_of_two(2 + 21, 2 + 21));
    redefine(sum_scaled(3));
  });
}

TEST_CASE("Numbers that are computed with may differ, and nothing else") {
  const auto body = [](const std::string &line) {
    return "define i64 @f(i64 %a, i64 %b) {\n  %x = call i64 @g(i64 %a)\n" + line + "\n  ret i64 %r\n}\n";
  };
  const std::string usual = body("  %r = mul i64 %x, 3");
  CHECK(same(usual, usual));
  CHECK(same(usual, body("  %r = mul i64 %x, 5")));
  for (const char *other : {"  %r = add i64 %x, 3", "  %r = mul i64 %x, %a", "  %r = mul i64 %x, %x",
                            "  %r = mul nsw i64 %x, 3", "  %y = mul i64 %x, 3\n  %r = call i64 @g(i64 %y)"}) {
    INFO(other);
    CHECK_FALSE(same(usual, body(other)));
  }
  const auto three = [&](const char *line) { return body(std::string(line) + "\n  %r = add i64 %x, 1"); };
  CHECK(same(three("  store i64 1, ptr @left"), three("  store i64 2, ptr @left")));
  CHECK_FALSE(same(three("  store i64 1, ptr @left"), three("  store i64 1, ptr @right")));
  CHECK_FALSE(same(three("  store i64 1, ptr @left"), three("  store volatile i64 1, ptr @left")));
  CHECK_FALSE(same(three("  store i64 %a, ptr @left"), three("  store i64 %b, ptr @left")));
  CHECK_FALSE(same(three("  %y = call i64 @g(i64 1)"), three("  %y = call i64 @h(i64 1)")));
  CHECK_FALSE(same(three("  %p = getelementptr i8, ptr @left, i64 8\n  store i64 %x, ptr %p"),
                   three("  %p = getelementptr i8, ptr @left, i64 4\n  store i64 %x, ptr %p")));
}

TEST_CASE("Loops that exchange the roles of two variables are not the same") {
  const auto loop = [](const char *first, const char *second) {
    return std::string(R"(
define i64 @f(i64 %n) {
entry:
  br label %loop
loop:
  %a = phi i64 [ 0, %entry ], [ %next_a, %loop ]
  %b = phi i64 [ 0, %entry ], [ %next_b, %loop ]
  call void @two(i64 %a, i64 %b)
  %next_a = add i64 )") +
           first + ", 1\n  %next_b = add i64 " + second + R"(, 2
  %is_end = icmp eq i64 %next_a, %n
  br i1 %is_end, label %end, label %loop
end:
  ret i64 %b
}
)";
  };
  CHECK(same(loop("%a", "%b"), loop("%a", "%b")));
  CHECK_FALSE(same(loop("%a", "%b"), loop("%b", "%a")));
  CHECK_FALSE(same(loop("%a", "%b"), loop("%a", "%a")));
}
