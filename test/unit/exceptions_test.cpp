// Checks where exceptions land in frames that are replaced before, while and after they fly.
#include "live_program.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;

extern "C" const void *_Unwind_Find_FDE(void *pc, void **text_data_and_function);

namespace {

constexpr std::uint64_t first_call = 0, in_cleanup = 2000, in_handler = 1000, after_handler = 1;

/// attempt() catches what guarded() lets pass behind its cleanup:
///   try { r = guarded(); } catch (...) { r = host(in_handler); } return r + host(after_handler);
///   guarded: try { return host(first_call); } cleanup { host(in_cleanup); }
constexpr const char *text = R"(
declare i32 @__gxx_personality_v0(...)
declare ptr @__cxa_begin_catch(ptr)
declare void @__cxa_end_catch()
define i64 @guarded() noinline personality ptr @__gxx_personality_v0 {
  %result = invoke i64 @host(i64 0) to label %normal unwind label %pad
normal:
  ret i64 %result
pad:
  %exception = landingpad { ptr, i32 } cleanup
  %ignored = call i64 @host(i64 2000)
  resume { ptr, i32 } %exception
}
define i64 @attempt(i64 %n) noinline personality ptr @__gxx_personality_v0 {
  %result = invoke i64 @guarded() to label %end unwind label %pad
pad:
  %exception = landingpad { ptr, i32 } catch ptr null
  %object = extractvalue { ptr, i32 } %exception, 0
  %caught = call ptr @__cxa_begin_catch(ptr %object)
  %handled = call i64 @host(i64 1000)
  call void @__cxa_end_catch()
  br label %end
end:
  %so_far = phi i64 [ %result, %0 ], [ %handled, %pad ]
  %last = call i64 @host(i64 1)
  %sum = add i64 %so_far, %last
  %all = add i64 %sum, %n
  ret i64 %all
}
)";

LiveProgram &program() {
  static auto *live = new LiveProgram(text); // its thread never ends
  return *live;
}

Runtime &runtime() { return program().runtime(); }
ReplaceOutcome replace(const std::string &name, Tier to) { return cantFail(runtime().replace(name, {.to = to})); }
std::uint64_t landed_in_new() { return runtime().snapshot()->exceptions.landed_in_new; }
/// The tier of the activation that called the host: Baseline, Optimised, Continuation.
std::string caller() { return program().stack().substr(0, 1); }
std::uint64_t waiting() { return runtime().snapshot()->freed.waiting; }

/// Calls attempt(5); `act(argument)` is done in each call of the host, and the first one throws. Checks the result.
void attempt_with(std::function<void(std::uint64_t argument)> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    act(argument);
    if (argument == first_call)
      throw 1;
    return argument;
  };
  CHECK(program().call("attempt", 5) == in_handler + after_handler + 5);
  program().on_host = nullptr;
}

std::size_t unknown_to_unwinders(std::uint64_t begin, std::uint64_t end) {
  std::size_t unknown = 0;
  for (std::uint64_t pc = begin; pc != end; ++pc) {
    std::array<void *, 3> bases;
    unknown += !_Unwind_Find_FDE(reinterpret_cast<void *>(pc), bases.data());
  }
  return unknown;
}

void begin_in(Tier tier) {
  replace("attempt", tier);
  replace("guarded", tier);
}

} // namespace

TEST_CASE("An exception that arrives in a frame which waits for baseline code lands in that") {
  program().inside([] {
    begin_in(Tier::Optimized);
    const std::uint64_t landed = landed_in_new();
    attempt_with([](std::uint64_t argument) {
      if (argument == first_call)
        CHECK(replace("attempt", Tier::Baseline).rewritten == 1);
      if (argument == in_handler) // patched return points catch returns only
        CHECK(caller() == (program().patches_code() ? "O" : "B"));
    });
    CHECK(landed_in_new() - landed == (program().patches_code() ? 0 : 1));
  });
}

TEST_CASE(
    "An exception lands where its frame is sent while destructors run, although the code it found first is freed") {
  program().inside([] {
    begin_in(Tier::Optimized);
    attempt_with([](std::uint64_t argument) {
      if (argument == in_cleanup) { // the search has found the handler in the optimised code
        CHECK(program().stack() == "OOO"); // guarded, attempt, main
        CHECK(replace("attempt", Tier::Baseline).rewritten == 1);
        CHECK(waiting() == (program().patches_code() ? 1 : 0));
      }
      if (argument == in_handler)
        CHECK(caller() == (program().patches_code() ? "O" : "B"));
    });
  });
}

TEST_CASE("A frame whose code is freed while it waits is not sent where an exception would land in that code") {
  if (program().patches_code())
    return; // that code stays until the frame has left
  program().inside([] {
    begin_in(Tier::Optimized);
    attempt_with([](std::uint64_t argument) {
      if (argument == first_call) {
        CHECK(replace("attempt", Tier::Baseline).rewritten == 1);
        while (waiting() != 0)
          runtime().reclaim();
        const ReplaceOutcome again = replace("attempt", Tier::Optimized); // by a continuation
        CHECK(again.rewritten == 0);
        CHECK(again.refused.size() == 1);
      }
      if (argument == in_handler)
        CHECK(caller() == "B");
    });
  });
}

TEST_CASE("Code in which an exception may still land is not freed") {
  program().inside([] {
    begin_in(Tier::Baseline);
    attempt_with([](std::uint64_t argument) {
      if (argument == first_call) {
        CHECK(replace("attempt", Tier::Optimized).rewritten == 1); // by a continuation, behind a return
        CHECK(waiting() == 1);
      }
      if (argument == in_handler)
        CHECK(caller() == "B"); // in the handler of the old code
    });
    while (runtime().reclaim())
      std::this_thread::yield();
    CHECK(waiting() == 0);
  });
}

TEST_CASE("An activation whose exception landed in old code is replaced at the next site there") {
  program().inside([] {
    begin_in(Tier::Baseline);
    const Statistics before = *runtime().snapshot();
    attempt_with([&](std::uint64_t argument) {
      if (argument == first_call)
        CHECK(replace("attempt", Tier::Optimized).may_land_in_old == 1);
      if (argument == in_handler) {
        CHECK(caller() == "B");
        while (!program().patches_code() && runtime().snapshot()->requests.followed == before.requests.followed)
          std::this_thread::yield(); // nobody but the runtime itself asks
      }
      if (argument == after_handler)
        CHECK(caller() == (program().patches_code() ? "B" : "C"));
    });
    CHECK(runtime().snapshot()->exceptions.landed_in_old - before.exceptions.landed_in_old ==
          (program().patches_code() ? 0 : 1));
  });
}

TEST_CASE("A frame is replaced in its handler and in a cleanup as anywhere") {
  program().inside([] {
    begin_in(Tier::Optimized);
    attempt_with([](std::uint64_t argument) {
      if (argument == in_cleanup)
        CHECK(replace("guarded", Tier::Baseline).rewritten == 1);
      if (argument == in_handler)
        CHECK(replace("attempt", Tier::Baseline).rewritten == 1);
      if (argument == after_handler)
        CHECK(caller() == "B");
    });
    begin_in(Tier::Baseline);
    attempt_with([](std::uint64_t argument) {
      if (argument == in_cleanup)
        CHECK(replace("guarded", Tier::Optimized).rewritten == 1);
      if (argument == in_handler)
        CHECK(replace("attempt", Tier::Optimized).rewritten == 1);
      if (argument == after_handler)
        CHECK(caller() == "C");
    });
  });
}

TEST_CASE("Unwinders know the way from each instruction that a signal may interrupt") {
  program().inside([] {
    begin_in(Tier::Optimized);
    attempt_with([](std::uint64_t) {});
    const EntryTable &entries = runtime().engine().entries();
    for (std::uint32_t index = 0; index != entries.size(); ++index) {
      const std::uint64_t entry = entries.entry_address(EntryId(index)), hook = entries.hook_address(EntryId(index));
      CHECK(unknown_to_unwinders(entry, entry + thunk_size) == 0);
      CHECK(unknown_to_unwinders(hook, hook + thunk_size) == 0);
    }
    std::size_t stubs = 0;
    for (const CodeObject *object : runtime().engine().registry().objects())
      for (std::uint64_t pc = object->code_begin; pc != object->code_begin + object->code_size; ++pc)
        if (object->rows.find(object->offset_of(pc))) {
          CHECK(unknown_to_unwinders(pc, pc + 1) == 0);
          stubs += none_of(object->fdes, [pc](const PlacedFde &fde) { return fde.begin <= pc && pc < fde.end; });
        }
    CHECK(stubs > 0); // the jumps to the C++ runtime
  });
}
