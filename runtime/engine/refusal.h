// Why a frame stays as it is, whoever wanted it replaced.
#pragma once

#include <llvm/Support/Error.h>

#include <cstdint>
#include <string>

namespace osr {

enum class RefusalKind : std::uint8_t {
  // Of the site, wherever it leads.
  NoRecord,
  NoDescription,
  Split,
  // Of the new frame.
  NoRoom,
  Growth,
  NoSuchSite,
  NoCertificate,
  NoContinuation,
  TooLarge,
  NoStub, ///< detail: what a stub cannot do
  // Of exceptions that arrive.
  NoUnwindInformation,
  LandsInFreedCode,
  // Of requests and walks.
  NotMapped, ///< detail: what a redefinition says of the site; may be empty
  Pending,
  Hidden,
  Unwalkable, ///< detail: how the walk ended
  Failed,     ///< detail: what a compiler, a linker or a full machine said
};

struct Refusal {
  RefusalKind kind;
  std::string detail = {}; ///< for kinds that say so
};

/// For people; keys of the statistics.
std::string describe(const Refusal &refusal);
inline std::string describe(RefusalKind kind) { return describe(Refusal{kind}); }

/// Its text is that of describe().
llvm::Error refuse(Refusal why);
inline llvm::Error refuse(RefusalKind kind) { return refuse(Refusal{kind}); }

/// What refuse() was given; of any other error: Failed.
Refusal refusal_of(llvm::Error error);

} // namespace osr
