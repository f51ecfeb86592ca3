// Cost of the ways to redirect calls and frames: what each costs while nothing happens, and when something does.
//
//   call/...      a call of an empty function: plain, direct (the same bytes), by a slot, as LLVM's patchpoint makes it,
//                 and of a function that begins with a check whether it has been replaced
//   redirect/...  all calls of a function go elsewhere; the threads are asleep and have to be stopped, except where one
//                 store does it (slot, entry check)
//   return/...    the return from an empty function: as it is, with the nop that patching needs, through a stub
//   replace/...   frames are sent to stubs; the stop and the walk, which all have in common, are not counted
#include "bench/machine_code.h"
#include "compiler/target/return_point.h"
#include "runtime/code/call_sites.h"
#include "runtime/engine/frame_redirector.h"
#include "runtime/threads/handshake.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

using namespace osr;
using namespace osr::bench;

namespace {

constexpr std::int64_t calls_per_run = 1000;
const Bytes call_opcode{0xe8}, jump_opcode{0xe9};

/// void f(): calls_per_run times what `body` writes.
template <typename Body> std::uint64_t make_loop(Body body) {
  Writer code(*world().arena, 256);
  const std::uint64_t entry = code.here();
  code.put({0x53, 0xbb}); // push %rbx; mov $calls, %ebx
  code.put_integer(std::int32_t(calls_per_run));
  const std::uint64_t top = code.here();
  body(code);
  code.put({0xff, 0xcb}); // dec %ebx
  code.branch({0x0f, 0x85}, top);
  code.put({0x5b, 0xc3}); // pop %rbx; ret
  return entry;
}

void run_loop(benchmark::State &state, std::uint64_t loop) {
  for (auto _ : state)
    reinterpret_cast<void (*)()>(loop)();
  state.counters["per_call"] = benchmark::Counter(double(calls_per_run), benchmark::Counter::kIsIterationInvariantRate |
                                                                             benchmark::Counter::kInvert);
}

void call_plain(benchmark::State &state) {
  run_loop(state, make_loop([](Writer &code) { code.branch(call_opcode, world().leaf); }));
}

void call_direct(benchmark::State &state) {
  CallSites sites(*world().entries, world().patcher);
  LinkedObject object;
  const std::uint64_t loop = make_loop([&](Writer &code) {
    const std::uint64_t entry = world().entries->entry_address(0);
    object.branches = {{code.branch(call_opcode, entry), entry}};
  });
  object.code = {loop, loop + 64};
  cantFail(sites.on_link(object));
  sites.redirect(0, world().leaf);
  sites.update();
  run_loop(state, loop);
}

void call_slot(benchmark::State &state) {
  run_loop(state, make_loop([](Writer &code) { code.branch(call_opcode, world().entries->entry_address(0)); }));
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
    world().entries->set_target(0, world().leaf);
}

void redirect_direct(benchmark::State &state) {
  const std::int64_t count = state.range(0);
  Sleepers sleepers(state.range(1));
  CallSites sites(*world().entries, world().patcher);
  Writer code(*world().arena, std::size_t(count) * 5);
  LinkedObject object;
  object.code = {code.here(), code.here() + std::uint64_t(count) * 5};
  const std::uint64_t entry = world().entries->entry_address(0);
  for (std::int64_t i = 0; i != count; ++i)
    object.branches.push_back({code.branch(call_opcode, entry), entry});
  cantFail(sites.on_link(object));
  bool odd = false;
  for (auto _ : state) {
    sites.redirect(0, odd ? world().leaf : entry);
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

const Bytes nop(return_point_nop.begin(), return_point_nop.end());

void return_plain(benchmark::State &state) { call_plain(state); }

void return_with_nop(benchmark::State &state) {
  run_loop(state, make_loop([](Writer &code) {
             code.branch(call_opcode, world().leaf);
             code.put(nop);
           }));
}

std::uint64_t make_stub(std::uint64_t target) {
  Writer stub(*world().arena, 16);
  const std::uint64_t entry = stub.here();
  stub.branch(jump_opcode, target);
  return entry;
}

/// The stub only jumps back: this is what getting to it and away costs.
void return_patched(benchmark::State &state) {
  ReturnPointTable points(world().patcher);
  points.reserve(1);
  std::uint64_t return_pc = 0;
  const std::uint64_t loop = make_loop([&](Writer &code) {
    code.branch(call_opcode, world().leaf);
    return_pc = code.here();
    code.put(nop);
  });
  points.patch(return_pc, make_stub(return_pc + nop.size()));
  points.finish();
  run_loop(state, loop);
}

/// The callee rewrites its own return PC: to `stub` or to what it is.
void run_rewriting(benchmark::State &state, bool to_stub) {
  Writer callee(*world().arena, 32);
  const std::uint64_t callee_entry = callee.here();
  std::uint64_t return_pc = 0;
  const std::uint64_t loop = make_loop([&](Writer &code) {
    code.branch(call_opcode, callee_entry);
    return_pc = code.here();
  });
  callee.put({0x48, 0xb8}); // movabs $pc, %rax; mov %rax, (%rsp); ret
  callee.put_integer(to_stub ? make_stub(return_pc) : return_pc);
  callee.put({0x48, 0x89, 0x04, 0x24, 0xc3});
  world().patcher.synchronize();
  run_loop(state, loop);
}

void return_rewritten(benchmark::State &state) { run_rewriting(state, true); }
void return_rewritten_to_itself(benchmark::State &state) { run_rewriting(state, false); }

/// Two stubs for one return PC, so that there is always another one to send activations to.
struct StubPair {
  explicit StubPair(std::uint64_t original) : stubs{make_stub(original), make_stub(original)} {
    for (const std::uint64_t stub : stubs)
      world().stubs.add(stub, {original, nullptr, nullptr});
  }
  ~StubPair() {
    for (const std::uint64_t stub : stubs)
      world().stubs.remove(stub);
  }
  std::uint64_t stubs[2];
};

void run_redirecting(benchmark::State &state, FrameRedirector &redirector, const std::vector<Frame> &frames,
                     const StubPair &pair) {
  redirector.reserve(frames.size());
  unsigned round = 0;
  for (auto _ : state) {
    for (const Frame &frame : frames)
      redirector.redirect(frame, pair.stubs[round % 2]);
    redirector.finish();
    ++round;
  }
}

void replace_return_pcs(benchmark::State &state) {
  const auto count = std::size_t(state.range(0));
  const std::uint64_t original = world().leaf;
  const StubPair pair(original);
  std::vector<std::uint64_t> stack(count * 2, original);
  std::vector<Frame> frames(count);
  for (std::size_t i = 0; i != count; ++i) {
    frames[i].pc = original;
    frames[i].return_pc_slot = reinterpret_cast<std::uintptr_t>(&stack[i * 2]);
    frames[i].sp = frames[i].return_pc_slot + word_size;
  }
  run_redirecting(state, *rewrite_return_pcs(world().stubs), frames, pair);
}

/// `frame_count` activations at `site_count` sites.
void replace_at_sites(benchmark::State &state, std::size_t frame_count, std::size_t site_count) {
  Writer code(*world().arena, site_count * nop.size());
  std::vector<Frame> frames(frame_count);
  const std::uint64_t first = code.here();
  const StubPair pair(first);
  for (std::size_t i = 0; i != site_count; ++i)
    code.put(nop);
  for (std::size_t i = 0; i != frame_count; ++i) {
    frames[i].pc = first + i % site_count * nop.size();
    frames[i].is_site = true;
  }
  ReturnPointTable points(world().patcher);
  const std::unique_ptr<Handshake> none;
  run_redirecting(state, *patch_return_points(points, none), frames, pair);
}

void replace_one_site(benchmark::State &state) { replace_at_sites(state, std::size_t(state.range(0)), 1); }
void replace_own_sites(benchmark::State &state) {
  replace_at_sites(state, std::size_t(state.range(0)), std::size_t(state.range(0)));
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
BENCHMARK(return_plain)->Name("return/plain");
BENCHMARK(return_with_nop)->Name("return/with_nop");
BENCHMARK(return_patched)->Name("return/patched_point");
BENCHMARK(return_rewritten_to_itself)->Name("return/rewritten_pc_same");
BENCHMARK(return_rewritten)->Name("return/rewritten_pc");
BENCHMARK(replace_return_pcs)->Name("replace/return_pcs")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(replace_one_site)->Name("replace/points_at_one_site")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(replace_own_sites)->Name("replace/points_each_its_site")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);

BENCHMARK_MAIN();
