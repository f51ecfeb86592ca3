// Cost of the ways to redirect frames: what each costs while nothing happens, and when something does.
//
//   return/...    the return from an empty function: as it is, with the nop that patching needs, through a stub
//   replace/...   frames are sent to stubs; the stop and the walk, which all have in common, are not counted
#include "bench/call_loop.h"
#include "compiler/target/return_point.h"
#include "runtime/engine/frame_redirector.h"
#include "runtime/threads/handshake.h"

using namespace osr;
using namespace osr::bench;

namespace {

const Bytes nop(return_point_nop.begin(), return_point_nop.end());

void return_plain(benchmark::State &state) { run_calls_of(state, world().leaf); }

void return_with_nop(benchmark::State &state) {
  run_loop(state, make_loop([](Writer &code) {
             code.branch(call_opcode, world().leaf);
             code.put(nop);
           }));
}

std::uint64_t make_stub(std::uint64_t target) {
  Writer stub(*world().arena, 16);
  const std::uint64_t entry = stub.here();
  stub.branch(jump, target);
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

} // namespace

BENCHMARK(return_plain)->Name("return/plain");
BENCHMARK(return_with_nop)->Name("return/with_nop");
BENCHMARK(return_patched)->Name("return/patched_point");
BENCHMARK(return_rewritten_to_itself)->Name("return/rewritten_pc_same");
BENCHMARK(return_rewritten)->Name("return/rewritten_pc");
BENCHMARK(replace_return_pcs)->Name("replace/return_pcs")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(replace_one_site)->Name("replace/points_at_one_site")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(replace_own_sites)->Name("replace/points_each_its_site")->ArgName("frames")->Arg(1)->Arg(100)->Arg(10'000);
