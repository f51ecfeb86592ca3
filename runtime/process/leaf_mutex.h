// Mutexes of what a process has once, and a fork.
//
// The child of a fork has the forking thread only: a mutex that another thread held stays locked there for ever. What belongs to
// a runtime is locked before a fork by an order of its own (runtime/facade/forks.cpp); what is below that is a leaf, and all
// leaves are locked last, in any order.
#pragma once

#include "compiler/base/mutex.h"

namespace osr {

/// While it is held no other mutex is taken, and nothing is waited for. A fork finds what it guards whole.
class OSR_CAPABILITY("mutex") LeafMutex : public Mutex {
public:
  LeafMutex();
  ~LeafMutex();

  /// Around a fork, all that there are; none can be made or destroyed in between.
  static void lock_all() OSR_UNCHECKED_LOCKS;
  static void unlock_all() OSR_UNCHECKED_LOCKS;

private:
  LeafMutex *next_ = nullptr, *previous_ = nullptr;
};

} // namespace osr
