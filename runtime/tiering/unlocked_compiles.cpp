#include "runtime/tiering/unlocked_compiles.h"

#include "runtime/threads/undisturbed.h"

using namespace llvm;

namespace osr {
namespace {

/// Since the version was found missing, bodies may have gone, also ones that were inlined, and others may have their numbers.
bool is_there(Engine &engine, const VersionKey &key) OSR_REQUIRES(engine_lock) {
  const Bodies &bodies = engine.targets().bodies();
  if (!bodies.is_current(key.function) && !bodies.is_kept(key.function) && !bodies.old().contains(key.function))
    return false;
  if (!key.continuation_site)
    return true;
  auto site = find_site(engine.compiler().numbered(key.function), *key.continuation_site);
  return !errorToBool(site.takeError());
}

/// False: what was compiled rests on something that has changed meanwhile.
bool try_compile(Engine &engine, FunctionId body, const VersionKey &key) {
  Lock lock(engine.mutex(), after_waiting);
  if (!engine.targets().bodies().is_current(body) || !is_there(engine, key))
    return true;
  auto pending = engine.maker().begin(key);
  if (!pending || !*pending) {
    consumeError(pending.takeError());
    return true;
  }
  lock.unlock();
  auto compiled = engine.compiler().finish(**pending);
  lock.lock(after_waiting);
  return engine.maker().install(std::move(**pending), std::move(compiled));
}

} // namespace

void compile_unlocked(Engine &engine, FunctionId body, ArrayRef<VersionKey> keys) {
  Undisturbed undisturbed;
  for (const VersionKey &key : keys)
    while (!try_compile(engine, body, key)) {
    }
}

} // namespace osr
