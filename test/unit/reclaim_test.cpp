// Checks that old code is given back while the program runs: at once where no control can come into it, later where an
// activation still needs it.
#include "live_program.h"
#include "osr/error.h"
#include "runtime/engine/engine.h"
#include "runtime/stack/step.h"
#include "test/support/catch_header.h"

#include <csignal>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// deep(n) = 3 deep(n-1) + n, deep(0) = host(7).
constexpr const char *text = R"(
define i64 @deep(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @deep(i64 %next)
  %scaled = mul i64 %below, 3
  %result = add i64 %scaled, %n
  ret i64 %result
end:
  %seven = call i64 @host(i64 7)
  ret i64 %seven
}
define i64 @other(i64 %n) noinline {
  %a = call i64 @host(i64 %n)
  %b = call i64 @host(i64 %a)
  %sum = add i64 %a, %b
  ret i64 %sum
}
)";

LiveProgram &program() {
  static auto *live = new LiveProgram(text); // its thread never ends
  return *live;
}

std::uint64_t expected_deep(std::uint64_t n) { return n == 0 ? 7 : 3 * expected_deep(n - 1) + n; }

ReplaceOutcome replace(const std::string &name, ReplaceOptions options) {
  return cantFail(program().runtime().replace(name, options));
}

std::uint64_t freed_objects() { return program().runtime().snapshot()->freed.objects; }
std::uint64_t waiting() { return program().runtime().snapshot()->freed.waiting; }

/// Code is freed under its waiting frames, unless it is patched to make them wait.
std::uint64_t freed_at_once(std::uint64_t objects) { return program().patches_code() ? 0 : objects; }

/// Calls deep(10); at its end, `act` is done once. Returns whether the result was right.
bool deep_with(std::function<void()> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    program().on_host = nullptr;
    act();
    return argument;
  };
  return program().call("deep", 10) == expected_deep(10);
}

const std::string eleven_optimized = "OOOOOOOOOOO", eleven_on_their_way = "O-O-O-O-O-O-O-O-O-O-O-";

} // namespace

TEST_CASE("Code whose activations are all on their way out is freed while their frames are on the stack") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t freed = freed_objects();
    CHECK(deep_with([&] {
      std::uint64_t bytes = program().code_bytes();
      CHECK(program().stack() == eleven_optimized + "O");
      ReplaceOutcome outcome = replace("deep", {.to = Tier::Baseline});
      CHECK(outcome.rewritten == 11);
      CHECK(outcome.refused.empty());
      CHECK(freed_objects() == freed + freed_at_once(1));
      CHECK(waiting() == 1 - freed_at_once(1));
      CHECK(program().stack() == eleven_on_their_way + "O");
      // Other code gets the freed addresses; the frames that wait are not taken for frames of it.
      replace("other", {.to = Tier::Baseline});
      replace("other", {.to = Tier::Optimized});
      CHECK(program().call("other", 20) == 40);
      CHECK(program().stack() == eleven_on_their_way + "O");
      CHECK(program().code_bytes() < bytes + 4096);
    }));
    CHECK_FALSE(program().runtime().reclaim()); // nothing is left: stubs and records are gone too
    CHECK(freed_objects() > freed);
  });
}

TEST_CASE("What a walk remembers of return PCs is not used for other code at these addresses") {
  // A thread may be stopped in the middle of a walk of its own while requests free code: here the finder stands for that.
  RegistryLookup lookup(program().runtime().engine().registry(), &program().runtime().engine().entries());
  const StubTable &stubs = program().runtime().engine().stub_table();
  RulesFinder rules(lookup, stubs);
  std::map<std::uintptr_t, CodeObjectId> seen; // whose frame it was, by what the return-PC slot held
  unsigned used_again = 0;
  auto walk = [&] {
    unsigned frames = 0;
    program().walk(rules, [&](const Frame &frame) {
      if (!frame.code || frame.kind != PcKind::ReturnPc)
        return;
      ++frames;
      auto stub = stubs.find(frame.stub_pc);
      CHECK(frame.code == (stub ? stub->code : program().runtime().engine().registry().find(frame.pc - 1)));
      CHECK(frame.pc == (stub ? stub->original_pc : load_word(frame.return_pc_slot)));
      CHECK(frame.row == frame.code->rows.find(frame.pc - 1 - frame.code->code_begin));
      auto [known, is_new] = seen.try_emplace(load_word(frame.return_pc_slot), frame.code->id);
      used_again += known->second != frame.code->id;
      known->second = frame.code->id;
    });
    CHECK(frames >= 12);
  };
  program().inside([&] {
    replace("deep", {.to = Tier::Optimized});
    CHECK(deep_with([&] {
      walk();
      for (int round = 0; round < 20; ++round) {
        CHECK(replace("deep", {.to = round % 2 ? Tier::Optimized : Tier::Baseline, .recompile = true}).rewritten == 11);
        program().on_host = [&](std::uint64_t argument) {
          walk();
          return argument;
        };
        CHECK(program().call("deep", 2) == expected_deep(2));
      }
      CHECK(used_again > 0); // else nothing was tested
    }));
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("An activation that waits is sent on when another request comes first") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t freed = freed_objects();
    CHECK(deep_with([&] {
      CHECK(replace("deep", {.to = Tier::Baseline}).rewritten == 11);
      CHECK(replace("deep", {.to = Tier::Baseline}).already == 11);
      CHECK(replace("deep", {.to = Tier::Optimized}).rewritten == 11);
      CHECK(replace("deep", {.to = Tier::Baseline}).rewritten == 11);
      CHECK(freed_objects() >= freed + 3); // the baseline code that nobody ever entered, too
    }));
    CHECK_FALSE(program().runtime().reclaim());
  });
}

TEST_CASE("Old activations that finish keep the old code until the last one has returned") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t freed = freed_objects();
    CHECK(deep_with([&] {
      ReplaceOutcome outcome = replace("deep", {.to = Tier::Baseline, .frames = Frames::FinishOld});
      CHECK(outcome.rewritten == 0);
      CHECK(program().runtime().reclaim());
      CHECK(waiting() == 1);
      CHECK(freed_objects() == freed);
      CHECK(program().stack() == eleven_optimized + "O");
      CHECK(program().call("deep", 2) == expected_deep(2));
      CHECK(program().stack() == eleven_optimized + "O");
    }));
    CHECK_FALSE(program().runtime().reclaim());
    CHECK(freed_objects() == freed + 1);
    CHECK(waiting() == 0);
  });
}

TEST_CASE("A request that waits for quiescence ends when the last activation has returned") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t freed = freed_objects();
    std::shared_ptr<PendingRequest> request;
    CHECK(deep_with([&] {
      request = program().runtime().request("deep", {.to = Tier::Baseline, .frames = Frames::WaitQuiescent});
      program().runtime().request("other", {.to = Tier::Baseline})->cancel();
      while (program().runtime().snapshot()->freed.scans == 0) // it looks at the stacks
        std::this_thread::yield();
      CHECK_FALSE(request->is_done());
      CHECK(program().stack() == eleven_optimized + "O");
    }));
    CHECK(bool(request->wait()));
    CHECK(request->is_done());
    CHECK(freed_objects() >= freed + 1);
  });
}

TEST_CASE("Nobody waits for an activation on their own stack") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    CHECK(deep_with([&] {
      for (const bool recompile : {false, true}) {
        Error error = program()
                          .runtime()
                          .replace("deep", {.to = recompile ? Tier::Optimized : Tier::Baseline,
                                            .frames = Frames::WaitQuiescent,
                                            .recompile = recompile})
                          .takeError();
        CHECK(code_of(error) == ErrorCode::WrongState);
        consumeError(std::move(error));
      }
      CHECK(program().stack() == eleven_optimized + "O");
      auto other = program().runtime().replace("other", {.to = Tier::Optimized, .frames = Frames::WaitQuiescent});
      CHECK(bool(other)); // has no activation here
    }));
  });
}

TEST_CASE("Nobody waits for an activation of theirs that is about to go into what is to end") {
  program().inside([] {
    replace("deep", {.to = Tier::Baseline});
    CHECK(deep_with([&] {
      CHECK(replace("deep", {.to = Tier::Optimized}).rewritten == 11);
      Error error =
          program().runtime().replace("deep", {.to = Tier::Baseline, .frames = Frames::WaitQuiescent}).takeError();
      CHECK(code_of(error) == ErrorCode::WrongState);
      consumeError(std::move(error));
    }));
    replace("deep", {.to = Tier::Optimized});
  });
}

TEST_CASE("Handlers of signals come to a thread that waits for quiescence") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::atomic<int> looks = 0, blocked = 0;
    std::thread waits;
    CHECK(deep_with([&] {
      waits = std::thread([&] {
        ReplaceOptions options{.to = Tier::Baseline, .frames = Frames::WaitQuiescent};
        options.progress = [&](const std::string &) {
          sigset_t now;
          pthread_sigmask(SIG_SETMASK, nullptr, &now);
          blocked += sigismember(&now, SIGTERM);
          ++looks;
        };
        CHECK(bool(program().runtime().replace("deep", options)));
      });
      while (looks == 0)
        std::this_thread::yield();
    }));
    waits.join();
    CHECK(blocked == 0);
  });
}

TEST_CASE("A cancelled request changes nothing") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    CHECK(deep_with([&] {
      std::atomic<bool> is_cancelled = true;
      auto outcome = program().runtime().replace("deep", {.to = Tier::Baseline, .is_cancelled = &is_cancelled});
      REQUIRE_FALSE(bool(outcome));
      CHECK_THAT(toString(outcome.takeError()), Contains("cancelled"));
      CHECK(program().stack() == eleven_optimized + "O");
      auto pending = program().runtime().request("deep", {.to = Tier::Baseline, .frames = Frames::WaitQuiescent});
      pending->cancel();
      CHECK_THAT(toString(pending->wait().takeError()), Contains("'deep' is not replaced") && Contains("cancelled"));
    }));
  });
}

TEST_CASE("Code that is kept is there when it is wanted again") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t freed = freed_objects();
    CHECK(deep_with([&] {
      CHECK(replace("deep", {.to = Tier::Baseline, .old_code = OldCode::Keep}).rewritten == 11);
      CHECK(replace("deep", {.to = Tier::Optimized, .old_code = OldCode::Keep}).rewritten == 11);
    }));
    program().runtime().reclaim();
    CHECK(freed_objects() == freed);
  });
}

TEST_CASE("A version is made again: its activations go on in the new one and the old one is freed") {
  program().inside([] {
    for (Tier tier : {Tier::Optimized, Tier::Baseline}) {
      replace("deep", {.to = tier});
      std::uint64_t freed = freed_objects();
      CHECK(deep_with([&] {
        CHECK(replace("deep", {.to = tier, .recompile = true}).rewritten == 11);
        CHECK(freed_objects() >= freed + freed_at_once(1));
      }));
      CHECK_FALSE(program().runtime().reclaim());
      CHECK(freed_objects() >= freed + 1);
    }
    auto outcome = program().runtime().replace("deep", {.redirect_calls = false, .recompile = true});
    CHECK_THAT(toString(outcome.takeError()), Contains("redirect_calls"));
  });
}

TEST_CASE("Calls go where they went if they are not redirected, and that code stays") {
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    CHECK(deep_with([&] {
      CHECK(replace("deep", {.to = Tier::Baseline, .redirect_calls = false}).rewritten == 11);
      CHECK(program().stack() == eleven_on_their_way + "O");
      program().on_host = [](std::uint64_t argument) { // a patched site sends later activations on, too
        CHECK(program().stack() == (program().patches_code() ? "O-O-O-" : "OOO") + eleven_on_their_way + "O");
        return argument;
      };
      CHECK(program().call("deep", 2) == expected_deep(2));
    }));
  });
}

TEST_CASE("Code memory stays flat over many replacements of a function that is always on the stack") {
  constexpr int warm_up = 20, rounds = 300;
  program().inside([] {
    replace("deep", {.to = Tier::Optimized});
    std::uint64_t least = ~std::uint64_t(0), most = 0;
    CHECK(deep_with([&] {
      for (int round = 0; round < warm_up + rounds; ++round) {
        Tier tier = round % 3 == 0 ? Tier::Baseline : Tier::Optimized;
        CHECK(replace("deep", {.to = tier, .recompile = true}).rewritten == 11);
        if (round >= warm_up && round % 3 == 0) {
          least = std::min(least, program().code_bytes());
          most = std::max(most, program().code_bytes());
        }
      }
    }));
    CHECK(most == least);
    CHECK_FALSE(program().runtime().reclaim());
    CHECK(program().runtime().engine().registry().retired_bytes() == 0);
  });
}
