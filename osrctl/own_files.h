// Files that are opened when the program is at its end.
#pragma once

#include "runtime/process/file_thread.h"

namespace osr {

/// Does `work`, if it can be had with descriptors that the program does not see: it may be using all that it can have.
inline void with_own_files(llvm::function_ref<void()> work) {
  if (auto files = FileThread::start("osr files")) {
    (*files)->run(work);
  } else {
    llvm::consumeError(files.takeError());
    work();
  }
}

} // namespace osr
