#include "osr/compile_cache.h"

#include "compiler/base/error.h"
#include "compiler/base/error_code.h"
#include "runtime/engine/compile_cache_file.h"
#include "runtime/process/leaf_mutex.h"

#include <llvm/ADT/STLExtras.h>

#include <map>
#include <utility>
#include <vector>

using namespace llvm;

namespace osr {

struct MemoryCompileCache::Entries {
  struct Entry {
    std::string bytes;
    std::uint64_t used = 0; ///< a time that counts look-ups
  };
  using Map = std::map<Key, Entry>;

  explicit Entries(std::size_t most_bytes) : most(most_bytes) {}

  void add(const Key &key, StringRef bytes) OSR_REQUIRES(mutex) {
    auto [found, is_new] = by_key.try_emplace(key);
    held += bytes.size() - found->second.bytes.size();
    found->second = {bytes.str(), ++time};
    if (held > most)
      forget_oldest();
  }

  /// A quarter of the room at a time: so it costs little each time, however many entries there are.
  void forget_oldest() OSR_REQUIRES(mutex) {
    for (const Map::iterator oldest : by_age()) {
      if (held <= most / 4 * 3)
        return;
      held -= oldest->second.bytes.size();
      by_key.erase(oldest);
    }
  }

  std::vector<Map::iterator> by_age() OSR_REQUIRES(mutex) {
    std::vector<Map::iterator> all;
    for (auto entry = by_key.begin(); entry != by_key.end(); ++entry)
      all.push_back(entry);
    llvm::sort(all, [](Map::iterator a, Map::iterator b) { return a->second.used < b->second.used; });
    return all;
  }

  const std::size_t most;
  mutable LeafMutex mutex;
  Map by_key OSR_GUARDED_BY(mutex);
  std::size_t held OSR_GUARDED_BY(mutex) = 0; ///< bytes
  std::uint64_t time OSR_GUARDED_BY(mutex) = 0;
  std::uint64_t found OSR_GUARDED_BY(mutex) = 0, missing OSR_GUARDED_BY(mutex) = 0;
  bool is_saved OSR_GUARDED_BY(mutex) = true;
};

MemoryCompileCache::MemoryCompileCache(std::size_t most_bytes) : entries_(new Entries(most_bytes)) {}
MemoryCompileCache::~MemoryCompileCache() = default;

std::unique_ptr<MemoryBuffer> MemoryCompileCache::find(const Key &key) {
  Lock lock(entries_->mutex);
  const auto found = entries_->by_key.find(key);
  if (found == entries_->by_key.end()) {
    ++entries_->missing;
    return nullptr;
  }
  ++entries_->found;
  found->second.used = ++entries_->time;
  return MemoryBuffer::getMemBufferCopy(found->second.bytes);
}

void MemoryCompileCache::put(const Key &key, StringRef bytes) {
  Lock lock(entries_->mutex);
  entries_->add(key, bytes);
  entries_->is_saved = false;
}

Error MemoryCompileCache::load(const std::string &path) {
  auto file = open_cache_file(path);
  if (!file)
    return file.takeError();
  if (!*file)
    return Error::success();
  Error error = read_cache_file((*file)->getBuffer(), [this](const Key &key, StringRef bytes) {
    Lock lock(entries_->mutex);
    entries_->add(key, bytes);
  });
  return error ? prefixed("'" + path + "': ", std::move(error)) : Error::success();
}

Error MemoryCompileCache::save(const std::string &path) {
  auto file = begin_cache_file();
  if (!file)
    return make_error("cannot write '{}': {}", path, toString(file.takeError()));
  {
    Lock lock(entries_->mutex);
    if (std::exchange(entries_->is_saved, true))
      return Error::success();
    for (const auto &entry : entries_->by_age())
      add_to_cache_file(*file, entry->first, entry->second.bytes);
  }
  Error error = replace_cache_file(path, *file);
  Lock lock(entries_->mutex);
  entries_->is_saved &= !error;
  return error;
}

MemoryCompileCache::Counts MemoryCompileCache::counts() const {
  Lock lock(entries_->mutex);
  return {entries_->found, entries_->missing, entries_->by_key.size(), entries_->held};
}

} // namespace osr
