#include "osrctl/libcxx_process.h"

#include "compiler/base/error.h"
#include "runtime/guest/standard_library.h"

#include <llvm/ADT/Twine.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *preload = "LD_PRELOAD";
constexpr const char *restarted =
    "OSRCTL_RESTARTED_FOR_LIBCXX"; ///< once is enough: privileged programs lose LD_PRELOAD

Expected<std::string> path_of(const char *library) {
  void *handle = ::dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  link_map *map = nullptr;
  if (!handle || ::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
    return make_error("{}", ::dlerror());
  return std::string(map->l_name);
}

/// What goes to the front of LD_PRELOAD.
Expected<std::string> libcxx_paths() {
  auto abi = path_of("libc++abi.so.1"), library = path_of("libc++.so.1");
  if (abi && library)
    return *abi + ":" + *library + ":";
  return make_error("the program is for libc++, which cannot be loaded: {}; install it, or compile the program with "
                    "-stdlib=libstdc++",
                    toString(joinErrors(abi.takeError(), library.takeError())));
}

Error check_rereadable(ArrayRef<std::string> paths) {
  for (const std::string &path : paths)
    if (!sys::fs::is_regular_file(path))
      return make_error("'{}' is for libc++, which takes a process of its own, and cannot be read again there; save it "
                        "as a file",
                        path);
  return Error::success();
}

/// Returns only if it fails.
Error restart() {
  auto words = MemoryBuffer::getFileAsStream("/proc/self/cmdline");
  if (!words)
    return make_error("cannot read /proc/self/cmdline: {}", words.getError().message());
  std::vector<char *> argv;
  for (const char *word = (*words)->getBufferStart(); word < (*words)->getBufferEnd(); word += std::strlen(word) + 1)
    argv.push_back(const_cast<char *>(word));
  argv.push_back(nullptr);
  ::execv("/proc/self/exe", argv.data());
  return make_error("osrctl cannot be started again for libc++: {}", sys::StrError());
}

} // namespace

Error enter_process_for(const Module &program, const std::vector<std::string> &paths) {
  if (!find_libcxx_symbol(program))
    return Error::success();
  auto ours = libcxx_paths();
  if (!ours)
    return ours.takeError();
  const char *value = std::getenv(preload);
  StringRef theirs = value ? value : "";
  if (!std::getenv(restarted)) {
    if (process_uses_libcxx())
      return Error::success();
    if (Error error = check_rereadable(paths))
      return error;
    ::setenv(restarted, "1", /*overwrite=*/1);
    ::setenv(preload, (*ours + theirs).str().c_str(), /*overwrite=*/1);
    return restart();
  }
  ::unsetenv(restarted);
  if (!theirs.consume_front(*ours))
    return Error::success();
  if (theirs.empty())
    ::unsetenv(preload);
  else
    ::setenv(preload, theirs.str().c_str(), /*overwrite=*/1);
  return Error::success(); // if it did not help, the runtime says so
}

} // namespace osr
