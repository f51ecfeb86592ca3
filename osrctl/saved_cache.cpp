#include "osrctl/saved_cache.h"

#include "osrctl/own_files.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

void say(Error error) {
  if (error)
    std::fprintf(stderr, "osrctl: compile cache: %s\n", toString(std::move(error)).c_str());
}

} // namespace

SavedCache::SavedCache(const std::string &path) {
  if (path.empty())
    return;
  cache_ = std::make_shared<MemoryCompileCache>();
  SmallString<128> absolute(path);
  if (const std::error_code error = sys::fs::make_absolute(absolute)) {
    say(errorCodeToError(error));
    return;
  }
  path_ = std::string(absolute);
  say(cache_->load(path_)); // what is no cache there, save() leaves alone
}

void SavedCache::save() const {
  if (path_.empty())
    return;
  Error error = Error::success();
  with_own_files([&] { error = joinErrors(std::move(error), cache_->save(path_)); });
  say(std::move(error)); // what is printed over there goes nowhere
}

} // namespace osr
