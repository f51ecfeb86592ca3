// Checks that functions get new bodies while they run: new calls, old activations, code that had inlined the old body.
#include "redefined_program.h"
#include "runtime/requests/replacer.h"
#include "runtime/tiering/unlocked_compiles.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

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

TEST_CASE("What is to be compiled for activations that wait to go on in a new body is of that body") {
  const auto caller_scaled = [](int factor) {
    return "declare i64 @host(i64)\n"
           "define i64 @caller(i64 %n) noinline {\n"
           "  %h = call i64 @host(i64 %n)\n"
           "  %s = mul i64 %h, " +
           std::to_string(factor) +
           "\n"
           "  %r = add i64 %s, %n\n"
           "  ret i64 %r\n"
           "}\n";
  };
  for (const std::string function : {"walk", "caller"})
    program().inside([&] {
      const bool walks = function == "walk";
      const auto body_of = [&](int factor) { return walks ? walk_scaled(factor) : caller_scaled(factor); };
      redefine(function, body_of(1), {.keep_old_body = true});
      at_host([&] {
        redefine(function, body_of(100), {.site_map = same_sites(function), .to = Tier::Baseline});
        Engine &engine = program().runtime().engine();
        const FunctionId body = cantFail(engine.find_body(function));
        Replacer replacer(engine);
        replacer.start();
        std::vector<VersionKey> missing;
        cantFail(replacer.replace(engine.targets().bodies().entry_of(body),
                                  {.to = Tier::Optimized, .old_code = OldCode::Keep}, {.missing = &missing}));
        CHECK_FALSE(missing.empty());
        for (const VersionKey &key : missing)
          CHECK(key.function == body);
      });
      CHECK(program().call(function, 1) == (walks ? 501 : 101));
      cantFail(program().runtime().revert(function));
    });
}

TEST_CASE(
    "A compile thread that was without the lock leaves out what has gone, and what has another body's number now") {
  program().inside([] {
    Engine &engine = program().runtime().engine();
    redefine("walk", walk_scaled(1));
    const FunctionId caller = cantFail(engine.find_body("caller")), walk = cantFail(engine.find_body("walk"));
    const VersionKey whole{walk, Tier::Optimized, std::nullopt}, last_site{walk, Tier::Optimized, 1};
    const auto has = [&](const VersionKey &key) {
      Lock lock(engine.mutex());
      return engine.versions().find(key) != nullptr || engine.versions().find_failure(key) != nullptr;
    };
    compile_unlocked(engine, caller, {last_site});
    CHECK(has(last_site));

    redefine("walk", walk_scaled(2));
    CHECK_FALSE(program().runtime().reclaim());
    compile_unlocked(engine, caller, {whole, last_site}); // the number is nobody's
    CHECK_FALSE(has(whole));
    CHECK_FALSE(has(last_site));

    redefine("leaf", leaf_times(10));
    REQUIRE(cantFail(engine.find_body("leaf")) == walk);
    compile_unlocked(engine, caller, {last_site}); // leaf has no sites
    CHECK_FALSE(has(last_site));

    compile_unlocked(engine, walk, {whole});
    CHECK(has(whole));
    redefine("leaf", leaf_times(10));
    compile_unlocked(engine, walk, {{caller, Tier::Optimized, 0}}); // for a body that is current no more
    CHECK_FALSE(has({caller, Tier::Optimized, 0}));
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
