// The part of the runtime that deals with code that is changed while it runs.
#include "runtime/facade/runtime.h"

using namespace llvm;

namespace osr {

void Runtime::set_up_patching() {
  if (options_.calls == CallKind::Direct) {
    direct_calls_ = std::make_unique<DirectCalls>(*entries_, CodePatcher(*arena_));
    session_->add_observer(direct_calls_->sites());
  }
  if (options_.mechanism == Mechanism::ReturnPc) {
    redirector_ = rewrite_return_pcs(*stub_table_);
  } else {
    return_points_ = std::make_unique<ReturnPointTable>(CodePatcher(*arena_));
    session_->add_observer(*return_points_);
    redirector_ = patch_return_points(*return_points_, handshake_);
  }
}

/// Calls go where set_code_for_calls said when this returns, also those whose sites have to be rewritten for that.
Error Runtime::bind_direct_calls() { return direct_calls_ ? direct_calls_->bind(*handshake_) : Error::success(); }

} // namespace osr
