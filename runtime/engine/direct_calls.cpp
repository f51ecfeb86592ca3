#include "runtime/engine/direct_calls.h"

#include <chrono>

using namespace llvm;

namespace osr {
namespace {

constexpr double compiling_per_stopping = 10;

} // namespace

void DirectCalls::bind_when_due(Handshake &handshake, double compile_seconds) {
  if (!sites_.has_pending() || compile_seconds < due_at_)
    return;
  auto begin = std::chrono::steady_clock::now();
  consumeError(bind(handshake));
  double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  due_at_ = compile_seconds + taken * compiling_per_stopping;
}

Error DirectCalls::bind(Handshake &handshake) {
  if (!sites_.has_pending())
    return Error::success();
  ++stops_;
  return handshake.with_stopped([&](auto) { sites_.update(); });
}

} // namespace osr
