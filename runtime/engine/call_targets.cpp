#include "runtime/engine/call_targets.h"

namespace osr {

void CallTargets::grow(FunctionId functions) {
  for (FunctionId chunk = 0; chunk * chunk_size < functions; ++chunk)
    if (!chunks_[chunk])
      chunks_[chunk] = std::make_unique<Chunk>();
  bodies_.grow(functions);
}

void CallTargets::set(FunctionId entry, std::uint64_t pc) {
  word(entry).store(pc);
  if (calls_ == Calls::PassTheHook)
    return;
  entries_.set_target(entry, pc ? pc : entries_.hook_address(entry));
  if (direct_)
    direct_->sites().redirect(entry, pc ? pc : entries_.entry_address(entry));
}

} // namespace osr
