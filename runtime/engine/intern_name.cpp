#include "runtime/engine/intern_name.h"

#include <llvm/ADT/StringSet.h>

#include <mutex>

namespace osr {

const char *intern_name(llvm::StringRef text) {
  static std::mutex mutex;
  static auto *names = new llvm::StringSet<>; // never destroyed, like what it hands out
  std::lock_guard lock(mutex);
  return names->insert(text).first->getKeyData();
}

} // namespace osr
