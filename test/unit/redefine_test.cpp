// Checks that functions get new bodies while they run: new calls, old activations, code that had inlined the old body.
#include "live_program.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// caller(n) = leaf(n) + host(n) + leaf(n + 1), so that optimised code of it has leaf inlined on both sides of a call.
/// walk(n) = n + walk(n-1) with host at the end.
constexpr const char *text = R"(
@total = global i64 100
define i64 @leaf(i64 %n) {
  %r = mul i64 %n, 10
  ret i64 %r
}
define i64 @caller(i64 %n) noinline {
  %a = call i64 @leaf(i64 %n)
  %h = call i64 @host(i64 %n)
  %m = add i64 %n, 1
  %b = call i64 @leaf(i64 %m)
  %s = add i64 %a, %h
  %t = add i64 %s, %b
  ret i64 %t
}
define i64 @walk(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @walk(i64 %next)
  %result = add i64 %below, %n
  ret i64 %result
end:
  %h = call i64 @host(i64 5)
  ret i64 %h
}
define i64 @promising(i64 %n) memory(none) {
  ret i64 %n
}
%pair = type { i64, i32 }
%triple = type { i64, i64, i64 }
define void @make_triple(ptr dead_on_unwind noalias writable sret(%triple) captures(none) %to, i64 %n) noinline {
  store i64 %n, ptr %to
  ret void
}
define i64 @take_triple(i64 %n) {
  %t = alloca %triple
  call void @make_triple(ptr sret(%triple) %t, i64 %n)
  %r = load i64, ptr %t
  ret i64 %r
}
define i64 @first_of(ptr byval(%pair) %p) {
  %r = load i64, ptr %p
  ret i64 %r
}
)";

std::string leaf_times(int factor) {
  return "define i64 @leaf(i64 %n) {\n  %r = mul i64 %n, " + std::to_string(factor) + "\n  ret i64 %r\n}\n";
}

/// walk(n) = factor * walk(n-1) + n; its recursion is its site #0, the call of host its site #1.
std::string walk_scaled(int factor) {
  return R"(
declare i64 @host(i64)
define i64 @walk(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @walk(i64 %next)
  %scaled = mul i64 %below, )" +
         std::to_string(factor) + R"(
  %result = add i64 %scaled, %n
  ret i64 %result
end:
  %h = call i64 @host(i64 5)
  ret i64 %h
}
)";
}

LiveProgram &program() {
  static auto *live = new LiveProgram(text); // its thread never ends
  return *live;
}

Expected<RedefineOutcome> try_redefine(const std::string &name, const std::string &ir,
                                       const RedefineOptions &options = {}) {
  return program().runtime().redefine(name, MemoryBufferRef(ir, name), options);
}

RedefineOutcome redefine(const std::string &name, const std::string &ir, const RedefineOptions &options = {}) {
  return cantFail(try_redefine(name, ir, options));
}

std::string refusal(const std::string &name, const std::string &ir, const RedefineOptions &options = {}) {
  auto outcome = try_redefine(name, ir, options);
  return outcome ? "" : toString(outcome.takeError());
}

/// Does `act` once in the next call of host.
void at_host(std::function<void()> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    program().on_host = nullptr;
    act();
    return argument;
  };
}

/// Old and new walk have the same sites and values.
SiteMap same_sites(const std::string &name) {
  SiteMap map;
  for (const Site &site : program().runtime().engine().program().find_function(name)->sites) {
    SiteMapping mapping{site.id.index, site.id.index, {}};
    for (std::uint32_t i = 0; i < site.state.size(); ++i)
      mapping.values.push_back({i, 0});
    map.push_back(mapping);
  }
  return map;
}

} // namespace

TEST_CASE("New calls run the new body, also from code that had inlined the old one") {
  program().inside([] {
    CHECK(program().call("caller", 1) == 10 + 1 + 20);
    RedefineOutcome outcome = redefine("leaf", leaf_times(7));
    CHECK(outcome.invalidated >= 1); // caller's optimised code
    CHECK(program().call("caller", 1) == 7 + 1 + 14);
    CHECK(program().call("leaf", 3) == 21);
  });
}

TEST_CASE("An activation of code that had inlined the old body makes its next call in the new one") {
  program().inside([] {
    redefine("leaf", leaf_times(10));
    CHECK(program().call("caller", 1) == 31);
    at_host([] {
      CHECK(program().stack() == "OO");
      RedefineOutcome outcome = redefine("leaf", leaf_times(1000));
      CHECK(outcome.dependents.rewritten == 1);
      CHECK(outcome.dependents.running == 0);
      CHECK(program().stack() == "O-O");
    });
    CHECK(program().call("caller", 1) == 10 + 1 + 2000);
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("An activation that is to leave code with the old body leaves it, also when its next code goes out of use") {
  program().inside([] {
    redefine("leaf", leaf_times(10));
    CHECK(program().call("caller", 1) == 31);
    at_host([] {
      redefine("leaf", leaf_times(1000));
      cantFail(program().runtime().replace("caller", {.to = Tier::Optimized, .frames = Frames::FinishOld}));
      CHECK(program().runtime().reclaim());
      CHECK(program().stack() == "O-O");
    });
    CHECK(program().call("caller", 1) == 10 + 1 + 2000);
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Activations of the old body end in it") {
  program().inside([] {
    redefine("walk", walk_scaled(1));
    at_host([] {
      RedefineOutcome outcome = redefine("walk", walk_scaled(100));
      CHECK(program().call("walk", 1) == 501);
    });
    CHECK(program().call("walk", 3) == 5 + 1 + 2 + 3);
    CHECK(program().call("walk", 3) == ((5 * 100 + 1) * 100 + 2) * 100 + 3);
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Activations go on in the new body where a site map says how, in both tiers") {
  program().inside([] {
    for (Tier tier : {Tier::Baseline, Tier::Optimized}) {
      redefine("walk", walk_scaled(1));
      cantFail(program().runtime().replace("walk", {.to = Tier::Optimized}));
      at_host([&] {
        CHECK(program().stack() == "OOOOO");
        RedefineOutcome outcome = redefine("walk", walk_scaled(100), {.site_map = same_sites("walk"), .to = tier});
        CHECK(outcome.old_body.rewritten == 4);
        CHECK(program().stack() == "O-O-O-O-O");
      });
      CHECK(program().call("walk", 3) == ((5 * 100 + 1) * 100 + 2) * 100 + 3);
      CHECK_FALSE(program().runtime().reclaim());
    }
  });
}

TEST_CASE("An activation may pass through several bodies while it waits") {
  program().inside([] {
    redefine("walk", walk_scaled(1));
    at_host([&] {
      for (int factor : {2, 3, 4, 100})
        CHECK(redefine("walk", walk_scaled(factor), {.site_map = same_sites("walk")}).old_body.rewritten == 4);
      CHECK(program().stack() == "O-O-O-O-O");
    });
    CHECK(program().call("walk", 3) == ((5 * 100 + 1) * 100 + 2) * 100 + 3);
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("A site map moves what it names and leaves the rest; values may be others") {
  program().inside([] {
    redefine("walk", walk_scaled(1));
    SiteMap map = same_sites("walk");
    REQUIRE(map.size() == 2);
    REQUIRE(map[0].values.size() == 1); // n, behind the recursion
    map = {{0, 0, {{std::nullopt, 40}}}};
    at_host([&] {
      RedefineOutcome outcome = redefine("walk", walk_scaled(100), {.site_map = map});
      CHECK(outcome.old_body.rewritten == 3);
      CHECK(outcome.old_body.refused.begin()->first == "the site map says nothing about this site");
    });
    CHECK(program().call("walk", 3) == ((5 * 100 + 40) * 100 + 40) * 100 + 40);
  });
}

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

TEST_CASE("A new body brings variables of its own and uses those of the program") {
  program().inside([] {
    redefine("leaf", R"(
@total = external global i64
@calls = internal global i64 5
define i64 @leaf(i64 %n) {
  %c = load i64, ptr @calls
  %c1 = add i64 %c, 1
  store i64 %c1, ptr @calls
  %t = load i64, ptr @total
  %r = add i64 %t, %c1
  ret i64 %r
}
)");
    CHECK(program().call("leaf", 0) == 106);
    CHECK(program().call("caller", 0) == 107 + 0 + 108);
  });
}

TEST_CASE("A function can be redefined by its own source, and with the same sites all activations go on in it") {
  program().inside([] {
    auto from_source = [](bool same_sites) {
      auto source = cantFail(program().runtime().source_of("walk"));
      return cantFail(program().runtime().redefine("walk", source->getMemBufferRef(), {.same_sites = same_sites}));
    };
    const std::uint64_t expected = 5 + 10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1;
    program().on_host = [&](std::uint64_t argument) {
      program().on_host = nullptr;
      CHECK(from_source(true).old_body.rewritten == 11);
      return argument;
    };
    from_source(false); // the source defines it again as at the beginning
    CHECK(program().call("walk", 10) == expected);
    CHECK(program().call("walk", 10) == expected);
  });
  const std::string reason = toString(program().runtime().source_of("nobody").takeError());
  CHECK_THAT(reason, Contains("there is no function 'nobody'"));
}

TEST_CASE("Redefining what is always on the stack, again and again, takes no memory") {
  constexpr int warm_up = 20, rounds = 300;
  program().inside([] {
    redefine("walk", walk_scaled(1));
    std::uint64_t least = ~std::uint64_t(0), most = 0;
    std::size_t most_bodies = 0;
    at_host([&] {
      for (int round = 0; round < warm_up + rounds; ++round) {
        const bool has_map = round % 2 == 0;
        redefine("walk", walk_scaled(round % 5), {.site_map = has_map ? same_sites("walk") : SiteMap()});
        CHECK(program().runtime().engine().program().functions.size() < 20);
        redefine("leaf", leaf_times(10 + round % 3));
        std::uint64_t bytes = program().code_bytes();
        if (round >= warm_up && round % 30 == 0) {
          least = std::min(least, bytes);
          most = std::max(most, bytes);
        }
        most_bodies = std::max(most_bodies, program().runtime().engine().program().functions.size());
      }
    });
    program().call("walk", 3);
    CHECK(most_bodies < 20);
    CHECK(most == least);
    CHECK_FALSE(program().runtime().reclaim());
  });
}
