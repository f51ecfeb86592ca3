// What --compile-cache FILE says: a cache that one run leaves for the next.
#pragma once

#include "osr/compile_cache.h"

#include <memory>
#include <string>

namespace osr {

class SavedCache {
public:
  SavedCache() = default;
  /// With what the file has; a file that cannot be used is said on stderr, and the cache is empty. Its meaning stays if the program
  /// changes its folder. "": there is no cache.
  explicit SavedCache(const std::string &path);

  const std::shared_ptr<MemoryCompileCache> &cache() const { return cache_; }
  /// At the program's end.
  void save() const;

private:
  std::shared_ptr<MemoryCompileCache> cache_; ///< may be null
  std::string path_;
};

} // namespace osr
