#include "runtime/engine/version_maker.h"

#include "compiler/base/error.h"

using namespace llvm;

namespace osr {

Expected<const Version *> VersionMaker::find_or_compile(const VersionKey &key) {
  if (key.tier == Tier::Baseline)
    return versions_.find_or_compile_baseline(key.function);
  if (const Version *version = versions_.find(key))
    return version;
  if (const std::string *failure = versions_.find_failure(key))
    return make_error("{}", *failure);
  return versions_.remember(key, compile_apart(key));
}

Expected<std::unique_ptr<Version>> VersionMaker::compile_apart(const VersionKey &key) {
  const auto begun = Trace::Clock::now();
  if (Error error = effort_.check(key))
    return versions_.told(begun, key, std::move(error));
  for (;;) {
    std::optional<SiteId> dead_end;
    auto version = admit(versions_.compile(key), dead_end);
    effort_.spent(key, Trace::Clock::now() - begun);
    if (!dead_end)
      return versions_.told(begun, key, std::move(version));
    consumeError(version.takeError());
    compiler_.drop_assumption(*dead_end);
  }
}

Expected<std::optional<PendingCompile>> VersionMaker::begin(const VersionKey &key) {
  if (versions_.is_known(key) || versions_.counts_activations())
    return std::nullopt;
  if (Error error = effort_.check(key))
    return error;
  auto pending = compiler_.begin(key);
  if (!pending)
    return pending.takeError();
  return std::move(*pending);
}

bool VersionMaker::install(PendingCompile pending, Expected<CompiledVersion> compiled) {
  if (versions_.is_known(pending.key)) { // somebody could not wait for it
    consumeError(compiled.takeError());
    return true;
  }
  if (compiled) {
    effort_.spent(pending.key, std::chrono::duration<double>(compiled->seconds));
    compiler_.drop_refused_exits(*compiled);
  }
  if (compiler_.is_outdated(pending)) {
    consumeError(compiled.takeError());
    return false;
  }
  std::optional<SiteId> dead_end;
  auto version = admit(compiled ? versions_.link(std::move(*compiled), std::make_unique<Version>())
                                : Expected<std::unique_ptr<Version>>(compiled.takeError()),
                       dead_end);
  if (dead_end) {
    consumeError(version.takeError());
    compiler_.drop_assumption(*dead_end);
    return false;
  }
  version = versions_.told(pending.begun, pending.key, std::move(version));
  consumeError(versions_.remember(pending.key, std::move(version)).takeError());
  return true;
}

/// `dead_end`: nothing was made, for this guard leads nowhere.
Expected<std::unique_ptr<Version>> VersionMaker::admit(Expected<std::unique_ptr<Version>> made,
                                                       std::optional<SiteId> &dead_end) {
  if (!made)
    return made;
  dead_end = find_dead_end(**made);
  if (!dead_end) {
    versions_.show(**made);
    return made;
  }
  stubs_.forget((*made)->object);
  versions_.discard(std::move(*made));
  return make_error("an assumption cannot be made");
}

/// The first guard from which no activation could leave. The stubs are made now: leaving is to wait for no compiler.
std::optional<SiteId> VersionMaker::find_dead_end(const Version &version) {
  const CodeObject &object = version.object;
  std::optional<SiteId> found;
  if (object.tier != Tier::Optimized)
    return found;
  object.sites.for_each([&](const SiteRecord &record) OSR_REQUIRES(engine_lock) {
    const SiteId guard = record.frames.back().site;
    if (found || !is_guard_site(versions_.program().functions[guard.function].sites()[guard.index]))
      return;
    auto stub = stubs_.find_or_make(object, object.code_begin + record.return_pc_offset, Landing::InPlace);
    if (stub)
      return;
    ++statistics_.guards.refused[toString(stub.takeError())];
    found = guard;
  });
  return found;
}

Expected<const ReturnStub *> VersionMaker::find_or_make_stub(const CodeObject &code, std::uint64_t return_pc,
                                                             Landing landing) {
  if (!stubs_.is_known(code, return_pc, landing))
    if (const auto continuation = stubs_.continuation_for(code, return_pc, landing))
      if (auto version = find_or_compile(*continuation); !version)
        consumeError(version.takeError()); // the store remembers why, and the stub is refused for that
  return stubs_.find_or_make(code, return_pc, landing);
}

} // namespace osr
