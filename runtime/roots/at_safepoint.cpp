#include "runtime/roots/at_safepoint.h"

#include "compiler/base/error.h"
#include "runtime/events/cause.h"
#include "runtime/roots/safepoint_scan.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"

using namespace llvm;

namespace osr {

/// The gate comes first: who is Inside may hold the engine's lock.
Error at_safepoint(Engine &engine, function_ref<void(Safepoint &)> work, const SafepointOptions &options) {
  if (engine.program().reference_spaces.empty())
    return make_error("no safepoint: the options name no address space of references (reference_spaces)");
  std::optional<SafepointGate::Closed> gate; // within a safepoint of another runtime it is closed
  if (!SafepointGate::is_closed_by_this_thread()) {
    auto closed = SafepointGate::Closed::close(process_safepoints(), engine.threads(), options.limit);
    if (!closed)
      return closed.takeError();
    gate.emplace(std::move(*closed));
  }
  std::optional<Expected<Safepoint>> found;
  {
    Undisturbed undisturbed;
    on_work_stack([&] {
      Because because(Cause::Collection);
      Lock lock(engine.mutex());
      found.emplace(SafepointScan(engine).run(options.objects_move));
    });
  }
  if (!*found)
    return found->takeError();
  work(**found);
  return Error::success();
}

} // namespace osr
