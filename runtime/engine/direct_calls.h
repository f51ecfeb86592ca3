// When the sites of direct calls are rewritten: with each request, and after a first compile if that takes no stop.
#pragma once

#include "compiler/base/engine_lock.h"
#include "osr/options.h"
#include "runtime/code/call_sites.h"
#include "runtime/threads/handshake.h"

namespace osr {

/// A function whose caller was compiled before it is called through its entry until its sites have been rewritten, for
/// which all threads must stop. No thread is stopped for that alone: a program of one thread has nobody to stop, and in others
/// what is called often becomes hot, and the request that optimises it stops the threads in any case. So which stops
/// there are does not depend on how calls are made, nor on how long compiling takes.
class DirectCalls {
public:
  DirectCalls(const EntryTable &entries, const CodePatcher &patcher) : sites_(entries, patcher) {}

  CallSites &sites() { return sites_; }
  const CallSites &sites() const { return sites_; }

  /// Something was compiled for the first time. Rewrites what is pending if nobody has to be stopped for it.
  void bind_if_alone(Handshake &handshake) OSR_REQUIRES(engine_lock);
  /// Rewrites what is pending, in a stop of its own. The error says why the threads could not be stopped.
  llvm::Error bind(Handshake &handshake) OSR_REQUIRES(engine_lock);

  std::uint64_t stops() const OSR_REQUIRES(engine_lock) { return stops_; }

private:
  CallSites sites_;
  std::uint64_t stops_ OSR_GUARDED_BY(engine_lock) = 0;
};

} // namespace osr
