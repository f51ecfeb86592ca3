// What compiled code calls: each call goes to the room that it concerns, of the program that runs.
#include "compiler/canonical/points.h"
#include "osr-stubs/entry_hook.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guards/deoptimize.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

RuntimeImpl *running_program = nullptr; ///< the entry hook is one per process

std::uint64_t on_entry(EntryFrame *frame) {
  if (running_program->stress->acts_at_calls() && ThreadRegistry::current())
    running_program->stress->on_call(*frame);
  return running_program->first_calls->code_for(FunctionId(frame->function), frame);
}

void on_poll(std::uint64_t return_pc_slot) { running_program->stress->on_poll(return_pc_slot); }

void on_guard_failed(std::uint64_t return_pc_slot, std::uint32_t reason) {
  running_program->guards->on_failure(return_pc_slot, reason);
}

/// A place of the front end: what is there is in its record.
void on_point(std::uint64_t) {}

/// Code that is left after the runtime counts on.
void on_heat(HeatCounter *counter, NoticedBy by) {
  if (running_program)
    running_program->tiering->on_heat(*counter, by);
}

void on_counted_poll(std::uint64_t return_pc_slot) {
  if (running_program)
    running_program->tiering->on_counted_poll(return_pc_slot);
}

} // namespace

RuntimeImpl *running() { return running_program; }
void set_running(RuntimeImpl *runtime) { running_program = runtime; }

void on_exception_landed(std::uint64_t pc) {
  if (running_program)
    running_program->replacer->on_exception_landed(pc);
}

std::vector<AbsoluteSymbol> hook_symbols(const RuntimeImpl &runtime) {
  std::vector<AbsoluteSymbol> symbols = guard_exit_symbols(on_guard_failed);
  append_range(symbols, deoptimize_symbols(runtime.options.deoptimize));
  append_range(symbols, profile_symbols());
  symbols.push_back({point_callee, reinterpret_cast<std::uint64_t>(&on_point)});
  append_range(symbols, loop_poll_symbols(on_poll, runtime.tiering ? on_counted_poll : nullptr));
  if (runtime.tiering)
    append_range(symbols, heat_symbols(on_heat));
  append_range(symbols, runtime.options.host_symbols);
  return symbols;
}

void install_entry_hook(EntryTable &entries) {
  osr_entry_hook_handler = on_entry;
  entries.set_hook(reinterpret_cast<std::uint64_t>(&osr_entry_hook));
}

} // namespace osr
