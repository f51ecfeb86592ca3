#include "runtime/process/leaf_mutex.h"

namespace osr {
namespace {

/// Never destroyed: threads work while the process ends.
Mutex &list_mutex() {
  static auto &mutex = *new Mutex;
  return mutex;
}
LeafMutex *first = nullptr;

} // namespace

LeafMutex::LeafMutex() {
  Lock lock(list_mutex());
  next_ = first;
  if (first)
    first->previous_ = this;
  first = this;
}

LeafMutex::~LeafMutex() {
  Lock lock(list_mutex());
  (previous_ ? previous_->next_ : first) = next_;
  if (next_)
    next_->previous_ = previous_;
}

void LeafMutex::lock_all() {
  list_mutex().lock();
  for (LeafMutex *each = first; each; each = each->next_)
    each->lock();
}

void LeafMutex::unlock_all() {
  for (LeafMutex *each = first; each; each = each->next_)
    each->unlock();
  list_mutex().unlock();
}

} // namespace osr
