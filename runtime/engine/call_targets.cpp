#include "runtime/engine/call_targets.h"

namespace osr {

void CallTargets::begin(EntryId entry, FunctionId body) {
  std::unique_ptr<Chunk> &chunk = chunks_.at(index_of(entry) / chunk_size);
  if (!chunk)
    chunk = std::make_unique<Chunk>();
  bodies_.begin(entry, body);
}

void CallTargets::set(EntryId entry, std::uint64_t pc) {
  word(entry).store(pc);
  if (calls_ == Calls::PassTheHook)
    return;
  entries_.set_target(entry, pc ? pc : entries_.hook_address(entry));
  if (direct_)
    direct_->sites().redirect(entry, pc ? pc : entries_.entry_address(entry));
}

} // namespace osr
