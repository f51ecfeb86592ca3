#include "runtime/engine/version_store.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "compiler/sites/loop_polls.h"
#include "runtime/events/trace_events.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

std::uint64_t Version::return_pc(std::uint32_t site) const {
  std::uint32_t offset = site < return_pc_offsets.size() ? return_pc_offsets[site] : 0;
  return offset ? object.code_begin + offset : 0;
}

VersionStore::~VersionStore() {
  for (auto &version : foreign_)
    unload(*version);
  for (auto &[key, version] : versions_)
    retired_.push_back(std::move(version));
  for (auto &version : retired_)
    if (version->object.state() != CodeState::Freed)
      free_code(*version);
}

/// Of what has no states.
void VersionStore::unload(Version &foreign) {
  if (foreign.object.code_size != 0) {
    registry_.remove(foreign.object);
    registry_.collect(); // walks take the runtime's lock, so none is under way
  }
  foreign.debugger = {};
  consumeError(session_.unload(foreign.object.linked));
}

Expected<const Version *> VersionStore::remember(const VersionKey &key, Expected<std::unique_ptr<Version>> made) {
  if (made)
    return (versions_[key] = std::move(*made)).get();
  Error error = made.takeError();
  const ErrorCode code = code_of(error);
  return make_error(code, "{}", failures_[key] = toString(std::move(error)));
}

const Version *VersionStore::adopt(std::unique_ptr<Version> version) {
  auto [position, inserted] = versions_.try_emplace(version->object.version(), std::move(version));
  OSR_CHECK(inserted, "there is code object {} already", position->second->object.id);
  return position->second.get();
}

std::vector<const Version *> VersionStore::versions_of(FunctionId function, Tier tier) const {
  std::vector<const Version *> found;
  for (auto next = versions_.lower_bound({function, tier, std::nullopt});
       next != versions_.end() && next->first.function == function && next->first.tier == tier; ++next)
    found.push_back(next->second.get());
  return found;
}

void VersionStore::for_each_in_use(function_ref<void(const Version &)> visit) const {
  for (const auto &[key, version] : versions_)
    visit(*version);
}

std::vector<const Version *> VersionStore::find(ArrayRef<CodeObjectId> ids) const {
  std::vector<const Version *> found;
  auto consider = [&](const Version &version) {
    if (is_contained(ids, version.object.id) && version.object.state() != CodeState::Freed)
      found.push_back(&version);
  };
  for (const auto &[key, version] : versions_)
    consider(*version);
  for (const auto &version : retired_)
    consider(*version);
  return found;
}

ArrayRef<SiteKey> VersionStore::inlined_at(FunctionId function) const {
  auto found = inlined_at_.find(function);
  return found == inlined_at_.end() ? ArrayRef<SiteKey>() : ArrayRef(found->second);
}

bool VersionStore::mentions(FunctionId body) const {
  auto next = versions_.lower_bound({body, Tier::Baseline, std::nullopt});
  return (next != versions_.end() && next->first.function == body) || !inlined_at(body).empty() ||
         any_of(retired_, [&](const auto &version) { return version->object.function == body; });
}

void VersionStore::forget_body(FunctionId body) {
  inlined_at_.erase(body);
  std::erase_if(failures_, [&](const auto &failure) { return failure.first.function == body; });
}

void VersionStore::retire(const Version &version) {
  auto found = versions_.find(version.object.version());
  OSR_CHECK(found != versions_.end() && found->second.get() == &version, "code object {} is not in use",
            version.object.id);
  found->second->object.advance_to(CodeState::NotEntrant);
  events_.out_of_use(version.object);
  retired_.push_back(std::move(found->second));
  versions_.erase(found);
}

void VersionStore::free_code(Version &version) {
  CodeObject &object = version.object;
  object.advance_to(CodeState::Quiescent);
  registry_.remove(object);
  events_.freed(object);
  registry_.collect(); // walks take the runtime's lock, so none is under way
  version.debugger = {};
  if (Error error = session_.unload(object.linked))
    OSR_CHECK(false, "code object {} cannot be unloaded: {}", object.id, toString(std::move(error)));
  object.advance_to(CodeState::Freed);
  failures_.clear(); // there may have been no memory for it
  ++statistics_.freed.objects;
  statistics_.freed.code_bytes += object.code_size;
}

void VersionStore::forget(Version &version) {
  const CodeObject &object = version.object;
  OSR_CHECK(object.state() == CodeState::Freed, "code object {} is {}", object.id, to_string(object.state()));
  forget_inlined(object);
  retired_.remove_if([&](const auto &other) { return other.get() == &version; });
}

void VersionStore::forget_inlined(const CodeObject &object) {
  for (auto &[function, keys] : inlined_at_)
    llvm::erase_if(keys, [&](SiteKey key) { return object_of(key) == object.id; });
}

bool VersionStore::is_at_poll(const SiteRecord &record) const {
  SiteId site = record.frames.back().site;
  return is_loop_site(program().functions[site.function].sites()[site.index]);
}

} // namespace osr
