// What the parts of the runtime tell a trace.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "osr/replace.h"
#include "runtime/code/code_object.h"
#include "runtime/events/landing.h"
#include "runtime/events/trace.h"
#include "runtime/stackmap/record.h"
#include "runtime/threads/handshake.h"

#include <optional>

namespace osr {

/// `object` is null when there was an error.
void trace_compile(Trace &trace, Trace::Clock::time_point begin, const CanonicalProgram &program, const VersionKey &key,
                   const CodeObject *object);
void trace_free(Trace &trace, const CanonicalProgram &program, const CodeObject &object);

/// An observer for handshakes.
void trace_pause(const Handshake::Pause &pause);

/// What the stub for an activation at this site of `from` does.
TracedTransition *trace_transition(Trace &trace, const CanonicalProgram &program, const CodeObject &from,
                                   const SiteRecord &record, Landing landing);

/// A request, from its construction to its destruction. Does nothing unless there is a trace.
class TracedRequest {
public:
  TracedRequest(const char *verb, llvm::StringRef function, Tier to);
  ~TracedRequest();
  TracedRequest(const TracedRequest &) = delete;
  TracedRequest &operator=(const TracedRequest &) = delete;

  void done(const ReplaceOutcome &outcome);
  /// Returns the same error.
  llvm::Error failed(llvm::Error error);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace osr
