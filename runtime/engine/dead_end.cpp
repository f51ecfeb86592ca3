#include "runtime/engine/dead_end.h"

#include "compiler/base/message.h"

#include <cstdlib>
#include <utility>

namespace osr {
namespace {

thread_local std::string reason_here;
thread_local const CannotGoOn *host_here = nullptr; ///< of a call that cannot be made

void function_without_code() { end_here(*host_here); }

} // namespace

void note_dead_end(std::string reason) { reason_here = std::move(reason); }

void end_here(const CannotGoOn &host) {
  if (host)
    host(reason_here);
  say("osr: " + reason_here);
  std::_Exit(1);
}

std::uint64_t end_at_call(const CannotGoOn &host) {
  if (!host)
    end_here(host);
  host_here = &host;
  return reinterpret_cast<std::uint64_t>(&function_without_code);
}

} // namespace osr
