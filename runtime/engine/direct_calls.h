// When the sites of direct calls are rewritten: with each request, and while functions are compiled for the first time.
#pragma once

#include "osr/options.h"
#include "runtime/code/call_sites.h"
#include "runtime/threads/handshake.h"

namespace osr {

/// A function whose caller was compiled before it is called through its entry until its sites have been rewritten, for
/// which all threads must stop. Compiling a function takes milliseconds and a stop takes microseconds, but with many
/// threads it takes longer: so stops are made only as often as keeps them below a tenth of the time spent compiling.
/// Not thread-safe: the runtime's lock is held.
class DirectCalls {
public:
  DirectCalls(const EntryTable &entries, const CodePatcher &patcher) : sites_(entries, patcher) {}

  CallSites &sites() { return sites_; }
  const CallSites &sites() const { return sites_; }

  /// Something was compiled for the first time; `compile_seconds` is the time that compiling took up to now. A failure
  /// to stop is no error: calls go through the entry meanwhile.
  void bind_when_due(Handshake &handshake, double compile_seconds);
  /// Rewrites what is pending, in a stop of its own. The error says why the threads could not be stopped.
  llvm::Error bind(Handshake &handshake);

  std::uint64_t stops() const { return stops_; }

private:
  CallSites sites_;
  double due_at_ = 0; ///< in seconds of compiling
  std::uint64_t stops_ = 0;
};

} // namespace osr
