#include "codegen_fixture.h"
#include "compiler/base/print.h"
#include "test/support/catch_header.h"

#include <fmt/core.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned pair_count = 24;

Compiler::Options with_polls() {
  return {.poll_word_offset = 64, .baseline_polls_everywhere = true, .speculate_after = 10};
}

/// Pairs of a loop and of what it calls, which is about as large as what may be inlined: a poll decides.
std::string loops_around_large_callees() {
  std::string text;
  for (unsigned i = 0; i < pair_count; ++i) {
    text += fmt::format("define void @large{}(ptr %p, i64 %n) {{\n", i);
    for (unsigned filler = 0; filler < 230 + i; ++filler)
      text += "  store volatile i64 %n, ptr %p\n";
    text += R"(  br label %loop
    loop:
      %v = load volatile i64, ptr %p
      %go = icmp ne i64 %v, %n
      br i1 %go, label %loop, label %done
    done:
      ret void
    }
)";
    text += fmt::format(R"(define void @around{0}(ptr %p, i64 %n) {{
      br label %loop
    loop:
      call void @large{0}(ptr %p, i64 %n)
      %v = load volatile i64, ptr %p
      %go = icmp ne i64 %v, %n
      br i1 %go, label %loop, label %done
    done:
      ret void
    }}
)",
                        i);
  }
  return text;
}

/// A loop that is counted, unless what it calls may bring another one: by a call that does not come back, and is no site.
constexpr const char *counted_loop = R"(
  define void @counted(ptr %p, i64 %n) {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %loop ]
    call void @check(i64 %i)
    store volatile i64 %i, ptr %p
    %next = add nuw nsw i64 %i, 1
    %go = icmp ult i64 %next, %n
    br i1 %go, label %loop, label %done
  done:
    ret void
  }
  define void @check(i64 %i) {
    %bad = icmp eq i64 %i, 77
    br i1 %bad, label %fail, label %done
  fail:
    call void @never_comes_back(i64 %i) noreturn
    unreachable
  done:
    ret void
  }
  define void @never_comes_back(i64 %i) {
    br label %loop
  loop:
    %j = phi i64 [ %i, %0 ], [ %next, %loop ]
    %next = add i64 %j, 1
    %go = icmp ne i64 %next, 3
    br i1 %go, label %loop, label %done
  done:
    ret void
  }
)";

/// The canonical code of all functions, of which these got their sites first.
std::string numbered_in_order(const std::vector<std::string> &first) {
  CompiledText program(loops_around_large_callees() + counted_loop, with_polls());
  for (const std::string &name : first)
    program.compiler().number(program.id(name));
  program.compiler().number_all();
  std::string text;
  for (const FunctionInfo &info : program.compiler().program().functions)
    text += fmt::format("{} sites\n{}", info.sites().size(), print(program.compiler().code_of(info.id)));
  return text;
}

std::vector<std::string> names(const std::string &prefix) {
  std::vector<std::string> all;
  for (unsigned i = 0; i < pair_count; ++i)
    all.push_back(fmt::format("{}{}", prefix, i));
  return all;
}

} // namespace

TEST_CASE("A function gets its sites when something is made of it, and so do callees that may be inlined") {
  CompiledText program(R"(
    declare void @ext()
    define void @callee() {
      call void @ext()
      ret void
    }
    define void @caller() {
      call void @callee()
      ret void
    }
    define void @other() {
      call void @ext()
      ret void
    })");
  const auto is_numbered = [&](const char *name) {
    return program.compiler().program().functions[program.id(name)].is_numbered();
  };
  CHECK_FALSE((is_numbered("callee") || is_numbered("caller") || is_numbered("other")));
  program.compile("caller", Tier::Baseline);
  CHECK(is_numbered("caller"));
  CHECK_FALSE(is_numbered("callee"));
  cantFail(program.compiler().begin({program.id("caller"), Tier::Optimized, {}}));
  CHECK(is_numbered("callee"));
  CHECK_FALSE(is_numbered("other"));
  CHECK(program.compiler().numbered(program.id("other")).sites().size() == 1);
  CHECK_FALSE(program.compiler().number(program.id("other"))); // it has them
}

TEST_CASE("It makes no difference in which order functions get their sites") {
  const std::string large_first = numbered_in_order(names("large"));
  CHECK(numbered_in_order(names("around")) == large_first);
  CHECK(numbered_in_order({"counted", "check", "around11", "large3"}) == large_first);
  CHECK(numbered_in_order({"check", "never_comes_back", "large7"}) == large_first);
}

} // namespace osr
