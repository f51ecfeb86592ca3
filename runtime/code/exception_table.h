// Exception tables (LSDA, `.gcc_except_table`): what an exception meets at a call site.
//
// Format: the tables of GCC and LLVM for the Itanium C++ ABI, as libstdc++'s personality function reads them
// (libsupc++/eh_personality.cc) and LLVM's EHStreamer writes them.
#pragma once

#include "runtime/code/free_extents.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <vector>

namespace osr {

/// What one exception table says about one call.
struct CallSiteHandling {
  bool is_listed = false;        ///< false: an exception that arrives here ends the program
  std::uint64_t landing_pad = 0; ///< 0: exceptions pass
  std::vector<std::int64_t> filters; ///< in the order in which they are tried; none: a cleanup
  std::uint8_t type_encoding = 0xff;
  std::uint64_t types = 0; ///< what filters count from
};

/// Reads the table at `address` of a function that begins at `function`, for the call before `return_pc`. `section` holds
/// the bytes of the tables, which are or were at `section_address`. The error says what is malformed.
llvm::Expected<CallSiteHandling> read_call_site(llvm::ArrayRef<std::uint8_t> section, std::uint64_t section_address,
                                                std::uint64_t address, std::uint64_t function, std::uint64_t return_pc);

/// A table that says this about all calls in `code`, of a function that is said to begin at `function`: at or before the
/// code, before the landing pad, and less than 4 GiB from either (begin_for). It refers to the types of the table that was
/// read, which has to stay. The bytes depend on their address: they may be moved with their vector, but not copied.
///
/// Its form is the one that all personality functions read, also those that take no notice of encodings: no landing pad
/// base of its own, since D's and Crystal's count from that, or from the function, whatever it says; and call sites of
/// four-byte numbers.
std::vector<std::uint8_t> build_exception_table(const CallSiteHandling &handling, std::uint64_t function, Extent code);

/// Where the function has to begin for that.
std::uint64_t begin_for(const CallSiteHandling &handling, Extent code);

} // namespace osr
