#include "runtime/engine/intern_name.h"

#include "runtime/process/leaf_mutex.h"

#include <llvm/ADT/StringSet.h>

namespace osr {

const char *intern_name(llvm::StringRef text) {
  static auto &mutex = *new LeafMutex;
  static auto *names = new llvm::StringSet<>; // never destroyed, like what it hands out
  Lock lock(mutex);
  return names->insert(text).first->getKeyData();
}

} // namespace osr
