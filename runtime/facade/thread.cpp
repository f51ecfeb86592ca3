#include "osr/thread.h"

#include "runtime/threads/start_thread.h"

using namespace llvm;

namespace osr {

Expected<ThreadAttachment> ThreadAttachment::attach() {
  const bool is_outermost = !ThreadRegistry::current();
  auto thread = attach_thread();
  if (!thread)
    return thread.takeError();
  return ThreadAttachment(is_outermost);
}

ThreadAttachment::~ThreadAttachment() {
  if (is_outermost_)
    detach_thread();
}

std::uint64_t ThreadAttachment::call(std::uint64_t address, std::uint64_t first, std::uint64_t second,
                                     std::uint64_t third) {
  return enter(*ThreadRegistry::current(), address, first, second, third);
}

} // namespace osr
