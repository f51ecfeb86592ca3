// Cost of the ways to redirect calls: what each costs while nothing happens, and when something does.
//
//   call/...      a call of an empty function: plain, direct (the same bytes), by a slot, as LLVM's patchpoint makes it,
//                 and of a function that begins with a check whether it has been replaced
//   redirect/...  all calls of a function go elsewhere; the threads are asleep and have to be stopped, except where one
//                 store does it (slot, entry check)
//
// patch_frames.cpp has the same for frames.
#include "bench/call_loop.h"
#include "runtime/code/call_sites.h"
#include "runtime/threads/handshake.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

using namespace osr;
using namespace osr::bench;

namespace {

void call_plain(benchmark::State &state) { run_calls_of(state, world().leaf); }

void call_direct(benchmark::State &state) {
  CallSites sites(*world().entries, world().patcher);
  LinkedObject object;
  const std::uint64_t loop = make_loop([&](Writer &code) {
    const std::uint64_t entry = world().entries->entry_address(EntryId(0));
    object.branches = {{code.branch(call_opcode, entry), entry}};
  });
  object.code = {loop, loop + 64};
  cantFail(sites.on_link(object));
  sites.redirect(EntryId(0), world().leaf);
  sites.update();
  run_loop(state, loop);
}

void call_slot(benchmark::State &state) {
  run_loop(state,
           make_loop([](Writer &code) { code.branch(call_opcode, world().entries->entry_address(EntryId(0))); }));
}

/// llvm.experimental.patchpoint on x86-64: movabs $target, %r11; call *%r11: 13 bytes where a call has 5.
void call_patchpoint(benchmark::State &state) {
  run_loop(state, make_loop([](Writer &code) {
             code.put({0x49, 0xbb});
             code.put_integer(world().leaf);
             code.put({0x41, 0xff, 0xd3});
           }));
}

/// cmpl $0, flag(%rip); jne: the check that a function begins with where calls of it are never changed.
void call_checked(benchmark::State &state) {
  Writer flag(*world().arena, 4096), callee(*world().arena, 32);
  callee.put({0x83, 0x3d});
  callee.put_integer(std::int32_t(flag.here() - (callee.here() + 5)));
  callee.put({0x00});
  const std::uint64_t entry = callee.here() - 7;
  callee.branch({0x0f, 0x85}, world().leaf);
  callee.put({0xc3});
  flag.put_integer(std::int32_t(0));
  run_loop(state, make_loop([&](Writer &code) { code.branch(call_opcode, entry); }));
}

/// Registered threads that wait in the kernel.
class Sleepers {
public:
  explicit Sleepers(std::int64_t count) : handshake_(cantFail(Handshake::create(registry_, {}))) {
    std::atomic<std::int64_t> ready = 0;
    for (std::int64_t i = 0; i != count; ++i)
      threads_.emplace_back([&] {
        cantFail(registry_.add_current(1 << 16));
        ++ready;
        ending_.wait(false);
        registry_.remove_current();
      });
    while (ready != count)
      std::this_thread::yield();
  }
  ~Sleepers() {
    ending_ = true;
    ending_.notify_all();
    for (std::thread &thread : threads_)
      thread.join();
  }
  Handshake &handshake() { return *handshake_; }

private:
  ThreadRegistry registry_;
  std::unique_ptr<Handshake> handshake_;
  std::atomic<bool> ending_ = false;
  std::vector<std::thread> threads_;
};

void redirect_slot(benchmark::State &state) {
  for (auto _ : state)
    world().entries->set_target(EntryId(0), world().leaf);
}

void redirect_direct(benchmark::State &state) {
  const std::int64_t count = state.range(0);
  Sleepers sleepers(state.range(1));
  CallSites sites(*world().entries, world().patcher);
  Writer code(*world().arena, std::size_t(count) * 5);
  LinkedObject object;
  object.code = {code.here(), code.here() + std::uint64_t(count) * 5};
  const std::uint64_t entry = world().entries->entry_address(EntryId(0));
  for (std::int64_t i = 0; i != count; ++i)
    object.branches.push_back({code.branch(call_opcode, entry), entry});
  cantFail(sites.on_link(object));
  bool odd = false;
  for (auto _ : state) {
    sites.redirect(EntryId(0), odd ? world().leaf : entry);
    cantFail(sleepers.handshake().with_stopped([&](auto) { sites.update(); }));
    odd = !odd;
  }
}

/// The 8 bytes of a patchpoint's target at each site.
void redirect_patchpoint(benchmark::State &state) {
  const auto count = std::size_t(state.range(0));
  constexpr std::size_t size = 13, target = 2;
  Sleepers sleepers(state.range(1));
  Writer code(*world().arena, count * size);
  const std::uint64_t first = code.here();
  Bytes bytes(sizeof(std::uint64_t));
  std::uint64_t callee = world().leaf;
  for (auto _ : state) {
    callee ^= 16;
    std::memcpy(bytes.data(), &callee, sizeof callee);
    cantFail(sleepers.handshake().with_stopped([&](auto) {
      for (std::size_t i = 0; i != count; ++i)
        world().patcher.write(first + i * size + target, bytes);
      world().patcher.synchronize();
    }));
  }
}

void sites_and_threads(benchmark::internal::Benchmark *benchmark) {
  benchmark->ArgsProduct({{1, 100, 10'000}, {0, 8}})->UseRealTime();
}

} // namespace

BENCHMARK(call_plain)->Name("call/plain");
BENCHMARK(call_direct)->Name("call/direct");
BENCHMARK(call_slot)->Name("call/slot");
BENCHMARK(call_patchpoint)->Name("call/patchpoint");
BENCHMARK(call_checked)->Name("call/entry_check");
BENCHMARK(redirect_slot)->Name("redirect/slot");
BENCHMARK(redirect_direct)->Name("redirect/direct")->ArgNames({"sites", "threads"})->Apply(sites_and_threads);
BENCHMARK(redirect_patchpoint)->Name("redirect/patchpoint")->ArgNames({"sites", "threads"})->Apply(sites_and_threads);
BENCHMARK_MAIN();
