#include "compiler/canonical/reserved_names.h"

#include "compiler/base/error.h"
#include "compiler/canonical/points.h"

using namespace llvm;

namespace osr {

bool is_reserved_name(StringRef name) {
  name.consume_front("\1");
  return name.starts_with("osr-") || name.starts_with("osr.");
}

Error free_reserved_names(Module &module) {
  for (GlobalValue &value : module.global_values()) {
    if (!is_reserved_name(value.getName()) || (value.getName() == point_function && value.isDeclaration()))
      continue;
    if (!value.hasLocalLinkage())
      return make_error("'{}' is a reserved name: what begins with 'osr-' or 'osr.' belongs to the runtime; rename it",
                        value.getName().str());
    value.setName("local." + value.getName());
  }
  return Error::success();
}

} // namespace osr
