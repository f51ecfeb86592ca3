#include "runtime/code/code_object.h"

#include "compiler/base/check.h"

namespace osr {

const char *to_string(CodeState state) {
  switch (state) {
  case CodeState::NotInstalled: return "not installed";
  case CodeState::InUse: return "in use";
  case CodeState::NotEntrant: return "not entrant";
  case CodeState::Quiescent: return "quiescent";
  case CodeState::Freed: return "freed";
  }
  OSR_CHECK(false, "code state {}", unsigned(state));
}

void CodeObject::advance_to(CodeState next) {
  const CodeState previous = state_.exchange(next, std::memory_order_acq_rel);
  OSR_CHECK(previous < next, "code object {} cannot go from '{}' to '{}'", id, to_string(previous), to_string(next));
}

} // namespace osr
