// Compile caches of hosts in C.
#include "runtime/facade/c_support.h"

using namespace osr;

osr_cache *osr_cache_create(std::size_t most_bytes) {
  return new osr_cache{std::make_shared<MemoryCompileCache>(most_bytes ? most_bytes : MemoryCompileCache::usual_bytes)};
}

char *osr_cache_load(osr_cache *cache, const char *path) { return message_of(cache->cache->load(path)); }
char *osr_cache_save(osr_cache *cache, const char *path) { return message_of(cache->cache->save(path)); }
void osr_cache_forget(osr_cache *cache) { delete cache; }
