#include "runtime/engine/direct_calls.h"

using namespace llvm;

namespace osr {

void DirectCalls::bind_if_alone(Handshake &handshake) {
  if (sites_.has_pending())
    handshake.when_alone([&]() OSR_REQUIRES(engine_lock) { sites_.update(); });
}

Error DirectCalls::bind(Handshake &handshake) {
  if (!sites_.has_pending())
    return Error::success();
  ++stops_;
  return handshake.with_stopped([&](auto) OSR_REQUIRES(engine_lock) { sites_.update(); });
}

} // namespace osr
