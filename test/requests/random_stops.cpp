// Stops all threads of a running program at random moments and walks their stacks, with frames that are being replaced.
//
//   $ random_stops random_stops_program.bc 100000
//
// A walk must reach the base. Where it cannot by the rules (PcKind, stubs, register restores), it must succeed within a few stops more.
#include "runtime/engine/engine.h"
#include "runtime/guest/program_exit.h"
#include "runtime/process/host_threads.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/stopped_walk.h"
#include "test/support/host_program.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <dlfcn.h>
#include <fmt/format.h>
#include <random>
#include <thread>

using namespace llvm;
using namespace osr;

namespace {

constexpr int most_retries = 200; ///< as for requests
constexpr int stops_for_a_request = 8; ///< so many stops, then a request
constexpr int requests_for_a_free = 50; ///< so many requests, then one after which new code has to be compiled
constexpr unsigned most_spin = 4'000; ///< between two stops

std::atomic<int> stops_left = 0;

struct Totals {
  std::uint64_t stops = 0, walks = 0, frames = 0, rewritten_frames = 0, retries = 0, requests = 0, replaced = 0;
  std::uint64_t longest = 0, most_threads = 0;
  int failed = 0; ///< not walked within the retries
  std::map<std::string, std::uint64_t> places; ///< where a walk had to be tried again
};

struct Failure {
  WalkStatus status = WalkStatus::ReachedBase;
  std::uintptr_t pc = 0; ///< of the last frame that was found
};

class Stopper {
public:
  explicit Stopper(Runtime &runtime)
      : runtime_(runtime), lookup_(runtime.engine().registry(), &runtime.engine().entries()) {}

  void run(int stops) {
    for (int i = 0; i < stops; ++i, --stops_left) {
      for (unsigned spin = random_() % most_spin; spin > 0; --spin)
        asm volatile("pause");
      stop();
      if (i % stops_for_a_request == 0)
        request();
    }
  }

  Totals totals;

private:
  /// Nothing is allocated while threads are stopped.
  bool walk_all(Failure &failure) {
    bool reached = true;
    cantFail(runtime_.engine().with_stopped([&](StoppedThreads threads) {
      totals.most_threads = std::max<std::uint64_t>(totals.most_threads, threads.size());
      RulesFinder rules(lookup_, runtime_.engine().stub_table());
      for (const auto &thread : threads) {
        std::uint64_t depth = 0;
        Failure end{.pc = arch::from_context(*thread->context).pc};
        end.status = walk_stopped(*thread, rules, [&](const Frame &frame) {
          ++depth;
          end.pc = frame.pc;
          totals.rewritten_frames += frame.stub_pc != 0;
        });
        ++totals.walks;
        totals.frames += depth;
        totals.longest = std::max(totals.longest, depth);
        if (end.status != WalkStatus::ReachedBase) {
          reached = false;
          failure = end;
        }
      }
    }));
    return reached;
  }

  void stop() {
    ++totals.stops;
    for (int tries = 0;; ++tries) {
      Failure failure;
      if (walk_all(failure))
        return;
      ++totals.retries;
      ++totals.places[place_of(failure)];
      if (tries == most_retries) {
        ++totals.failed;
        return;
      }
      let_threads_run(unsigned(tries) + 1);
    }
  }

  std::string place_of(const Failure &end) const {
    std::string place = "a stub";
    Dl_info info;
    if (runtime_.engine().registry().find(end.pc))
      place = "a compiled function";
    else if (dladdr(reinterpret_cast<void *>(end.pc), &info))
      place = fmt::format("{}+{:#x} ({})", info.dli_fname, end.pc - reinterpret_cast<std::uintptr_t>(info.dli_fbase),
                          info.dli_sname ? info.dli_sname : "no exported name");
    return fmt::format("{}: {}", place, describe(end.status));
  }

  void request() {
    const std::vector<FunctionInfo> &functions = runtime_.engine().program().functions;
    const std::string &function = functions[random_() % functions.size()].name;
    const OldCode old_code = totals.requests % requests_for_a_free == 0 ? OldCode::Free : OldCode::Keep;
    auto outcome =
        runtime_.replace(function, {.to = random_() % 2 ? Tier::Optimized : Tier::Baseline, .old_code = old_code});
    if (!outcome) {
      consumeError(outcome.takeError()); // a pinned function
      return;
    }
    ++totals.requests;
    totals.replaced += outcome->rewritten;
  }

  Runtime &runtime_;
  RegistryLookup lookup_;
  std::mt19937 random_{1};
};

/// The program runs in the main thread; returns when it has ended.
Expected<Totals> run(const char *path, int stops) {
  Runtime::Options options;
  options.compile_ahead = true;
  options.stops.limit = std::chrono::seconds(60);
  auto loaded = load_host_program(path, std::move(options));
  if (!loaded)
    return loaded.takeError();
  Runtime *runtime = *loaded;
  stops_left = stops;
  Totals totals;
  std::thread stopping;
  {
    HostThreads host_threads;
    stopping = std::thread([&] {
      while (runtime->engine().threads().most_at_once() < 3) // the program's own threads have begun
        std::this_thread::yield();
      Stopper stopper(*runtime);
      stopper.run(stops);
      totals = stopper.totals;
    });
  }
  auto status = runtime->run_main({path});
  stopping.join();
  if (!status)
    return status.takeError();
  if (*status != 0)
    return createStringError("the program ended with status %d", *status);
  return totals;
}

} // namespace

extern "C" int random_stops_left() { return stops_left.load(std::memory_order_relaxed) > 0; }

int main(int argc, char **argv) {
  int stops = 0;
  if (argc != 3 || std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), stops).ec != std::errc() || stops < 1) {
    std::fprintf(stderr, "usage: random_stops PROGRAM.bc STOPS\n");
    return 2;
  }
  auto totals = run(argv[1], stops);
  if (!totals) {
    std::fprintf(stderr, "random_stops: %s\n", toString(totals.takeError()).c_str());
    return 1;
  }
  fmt::print("{} stops of up to {} threads, {} walks, {} frames ({} of them rewritten, longest walk {})\n"
             "{} requests replaced {} frames\n{} stops were repeated, {} stacks could not be walked\n",
             totals->stops, totals->most_threads, totals->walks, totals->frames, totals->rewritten_frames,
             totals->longest, totals->requests, totals->replaced, totals->retries, totals->failed);
  for (const auto &[place, count] : totals->places)
    fmt::print("  {} in {}\n", count, place);
  if (totals->places.contains(fmt::format("a stub: {}", describe(WalkStatus::NoUnwindInfo)))) {
    std::fprintf(stderr, "random_stops: a thread that was stopped in a stub could not be walked\n");
    return 1;
  }
  bool proves_something = totals->rewritten_frames != 0 && totals->replaced != 0 && totals->most_threads > 3;
  exit_program(totals->failed == 0 && proves_something ? 0 : 1);
}
