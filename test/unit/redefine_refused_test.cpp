// Checks which new bodies and site maps a function cannot get, and that nothing has changed then.
#include "redefined_program.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

TEST_CASE("What cannot be is refused, with the reason, and nothing changes") {
  program().inside([] {
    redefine("leaf", leaf_times(10));
    CHECK_THAT(refusal("nothing", leaf_times(1)), Contains("no function 'nothing'"));
    CHECK_THAT(refusal("leaf", "define i64 @leaf("), Contains("'leaf' is not redefined") && Contains("invalid"));
    CHECK_THAT(refusal("leaf", "define i64 @other() {\n  ret i64 0\n}"), Contains("does not define it"));
    CHECK_THAT(refusal("leaf", leaf_times(1) + "define void @more() {\n  ret void\n}"),
               Contains("also defines 'more'"));
    CHECK_THAT(refusal("leaf", "define i32 @leaf(i64 %n) {\n  ret i32 0\n}"), Contains("'i64 (i64)'"));
    CHECK_THAT(refusal("leaf", leaf_times(1) + "@total = global i64 1"), Contains("'total'") && Contains("declare it"));
    CHECK_THAT(refusal("leaf", "declare i64 @unheard(i64)\ndefine i64 @leaf(i64 %n) {\n"
                               "  %r = call i64 @unheard(i64 %n)\n  ret i64 %r\n}"),
               Contains("'unheard'"));
    CHECK_THAT(refusal("promising", "define i64 @promising(i64 %n) {\n  store i64 %n, ptr @total\n  ret i64 %n\n}\n"
                                    "@total = external global i64"),
               Contains("memory(none)"));
    CHECK_THAT(refusal("leaf", leaf_times(1), {.site_map = {{7, 0, {}}}}), Contains("no #7"));
    CHECK(program().call("caller", 1) == 31);
    CHECK(program().call("leaf", 2) == 20);
  });
}

TEST_CASE("A type that arguments promise may have another name, but no other size") {
  program().inside([] {
    const std::string body = " %p) {\n  %r = load i64, ptr %p\n  ret i64 %r\n}\n";
    CHECK(refusal("first_of", "%two = type { i64, i64 }\ndefine i64 @first_of(ptr byval(%two)" + body) == "");
    CHECK_THAT(refusal("first_of", "%more = type { i64, i64, i64 }\ndefine i64 @first_of(ptr byval(%more)" + body),
               Contains("byval"));
    CHECK_THAT(refusal("first_of", "define i64 @first_of(ptr" + body), Contains("byval"));
  });
}

TEST_CASE("A function that returns a structure in memory gets a new body, which returns one of the same size") {
  const std::string body = " %to, i64 %n) noinline {\n  %m = mul i64 %n, 5\n  store i64 %m, ptr %to\n  ret void\n}\n";
  const std::string attributes = "dead_on_unwind noalias writable captures(none) ";
  program().inside([&] {
    CHECK(program().call("take_triple", 7) == 7);
    redefine("make_triple",
             "%three = type { i64, [2 x i64] }\ndefine void @make_triple(ptr " + attributes + "sret(%three)" + body);
    CHECK(program().call("take_triple", 7) == 35);
    CHECK_THAT(refusal("make_triple",
                       "%more = type { [4 x i64] }\ndefine void @make_triple(ptr " + attributes + "sret(%more)" + body),
               Contains("sret"));
    CHECK_THAT(refusal("make_triple",
                       "define void @make_triple(ptr dead_on_unwind writable captures(none) sret([3 x i64])" + body),
               Contains("noalias"));
    CHECK_THAT(refusal("make_triple", "define void @make_triple(ptr" + body), Contains("its type is"));
    CHECK(program().call("take_triple", 8) == 40);
  });
}

TEST_CASE("A site map that does not fit is refused") {
  program().inside([] {
    redefine("walk", walk_scaled(1));
    const SiteMap right = same_sites("walk");
    auto changed = [&](auto change) {
      SiteMap map = right;
      change(map);
      return refusal("walk", walk_scaled(2), {.site_map = map});
    };
    CHECK_THAT(changed([](SiteMap &map) { map.push_back(map[0]); }), Contains("#0 is mapped twice"));
    CHECK_THAT(changed([](SiteMap &map) { map[0].to_site = 9; }), Contains("new body has 2 sites"));
    CHECK_THAT(changed([](SiteMap &map) { map[0].values.clear(); }), Contains("has 1 values, 0 are given"));
    CHECK_THAT(changed([](SiteMap &map) { map[0].values[0].from = 3; }), Contains("there is no value 3"));
    CHECK(program().call("walk", 2) == 5 + 1 + 2);
  });
}
