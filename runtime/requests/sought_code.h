// Which activations somebody asks about, by the code that they are in or go to.
#pragma once

#include "runtime/engine/stub_factory.h"
#include "runtime/engine/version_store.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/stack/stub_table.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>

namespace osr {

/// Code as a whole, and sites of other code, at which a function is inlined. Made while threads run; asked while they are stopped.
struct SoughtCode {
  llvm::DenseSet<const CodeObject *> objects;
  llvm::DenseSet<SiteKey> sites;
  llvm::DenseSet<CodeObjectId> inlined_in; ///< code that holds these sites

  explicit SoughtCode(llvm::ArrayRef<SiteKey> all_sites) : sites(all_sites.begin(), all_sites.end()) {
    for (const SiteKey site : all_sites)
      inlined_in.insert(object_of(site));
  }

  /// By where it is. One that is interrupted in code that holds a site may be at it.
  bool concerns(const Frame &frame) const {
    if (!frame.code)
      return false;
    return objects.contains(frame.code) ||
           (frame.kind == PcKind::Exact ? inlined_in.contains(frame.code->id)
                                        : sites.contains(site_key(*frame.code, frame.pc)));
  }
  /// The same for a frame that waits to go on elsewhere.
  bool concerns(const ReturnStub &stub) const {
    return llvm::any_of(stub.to, [this](const CodeObject *to) { return objects.contains(to); });
  }
  /// The same for a word on a part of a stack where nobody can tell which are return PCs.
  bool may_concern(std::uint64_t word, const StubTable &stubs, const CodeLookup &lookup) const {
    if (const std::optional<StubEntry> pending = stubs.find(word))
      return concerns(*static_cast<const ReturnStub *>(pending->handle));
    const CodeObject *code = word ? lookup.find_code(word - 1).object : nullptr;
    return code && (objects.contains(code) || sites.contains(site_key(*code, word)));
  }
};

} // namespace osr
