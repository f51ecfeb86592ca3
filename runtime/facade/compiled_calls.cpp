// What compiled code calls: each call goes to the room that it concerns, of the runtime whose code has called.
#include "compiler/base/check.h"
#include "compiler/canonical/points.h"
#include "osr-stubs/entry_hook.h"
#include "runtime/facade/running.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guards/deoptimize.h"
#include "runtime/guest/personality.h"
#include "runtime/threads/trampoline_memory.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

std::uint64_t on_entry(EntryHook &hook, EntryFrame &frame) {
  RuntimeImpl &runtime = *static_cast<CallsOfRuntime &>(hook).runtime;
  if (runtime.rooms.stress->acts_at_calls() && ThreadRegistry::current())
    runtime.rooms.stress->on_call(frame);
  return runtime.rooms.first_calls->code_for(EntryId(frame.function), &frame);
}

/// By where a frame of its code returns to; it may be a stub.
RuntimeImpl *runtime_of(std::uint64_t return_pc_slot) {
  return running_at(*reinterpret_cast<std::uint64_t *>(return_pc_slot));
}

/// Who polls may be asked to for the sake of another runtime.
void on_poll(std::uint64_t return_pc_slot) {
  if (RuntimeImpl *runtime = runtime_of(return_pc_slot); runtime && runtime->rooms.stress->acts_at_polls())
    runtime->rooms.stress->on_poll(return_pc_slot);
}

void on_guard_failed(std::uint64_t return_pc_slot, std::uint32_t reason) {
  if (RuntimeImpl *runtime = runtime_of(return_pc_slot))
    runtime->rooms.guards->on_failure(return_pc_slot, reason);
}

Deoptimization deoptimization_at(std::uint64_t address) {
  const RuntimeImpl *runtime = running_at(address);
  OSR_CHECK(runtime, "code deoptimizes by a description at {:#x}, which is of no runtime", address);
  return {runtime->options.deoptimize, runtime->options.cannot_go_on};
}

/// A place of the front end: what is there is in its record.
void on_point(std::uint64_t) {}

void on_heat(HeatCounter *counter, NoticedBy by, std::uint64_t pc) {
  if (RuntimeImpl *runtime = running_at(pc))
    runtime->rooms.tiering->on_heat(*counter, by);
}

void on_counted_poll(std::uint64_t return_pc_slot) {
  if (RuntimeImpl *runtime = runtime_of(return_pc_slot); runtime && runtime->rooms.tiering)
    runtime->rooms.tiering->on_counted_poll(return_pc_slot);
}

void on_exception_landed(std::uint64_t pc) {
  if (RuntimeImpl *runtime = running_at(pc))
    runtime->rooms.replacer->on_exception_landed(pc);
}

/// What compiled code calls is answered for all runtimes of the process, from the first one on.
struct Arrivals {
  Arrivals() {
    answer_failed_guards(on_guard_failed);
    answer_deoptimization(deoptimization_at);
    answer_polls(on_poll, on_counted_poll);
    answer_heat(on_heat);
    answer_landings(on_exception_landed);
  }
};

} // namespace

void answer_compiled_code() { static const Arrivals arrivals; }

std::vector<AbsoluteSymbol> hook_symbols(const RuntimeImpl &runtime) {
  std::vector<AbsoluteSymbol> symbols = guard_exit_symbols();
  append_range(symbols, deoptimize_symbols());
  append_range(symbols, profile_symbols());
  symbols.push_back({point_callee, reinterpret_cast<std::uint64_t>(&on_point)});
  append_range(symbols, loop_poll_symbols());
  append_range(symbols, trampoline_memory_symbols());
  if (runtime.rooms.tiering)
    append_range(symbols, heat_symbols());
  append_range(symbols, runtime.options.host_symbols);
  return symbols;
}

void RuntimeImpl::install_entry_hook() {
  calls.handler = on_entry;
  calls.runtime = this;
  engine->entries().set_hook(reinterpret_cast<std::uint64_t>(&osr_entry_hook), static_cast<EntryHook *>(&calls));
}

} // namespace osr
