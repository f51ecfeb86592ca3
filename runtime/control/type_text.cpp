#include "runtime/control/type_text.h"

#include "compiler/base/print.h"

#include <fmt/format.h>

using namespace llvm;

namespace osr {

/// Ends: with opaque pointers no type contains itself.
std::string type_text(const Type &type) {
  if (const auto *array = dyn_cast<ArrayType>(&type))
    return fmt::format("[{} x {}]", array->getNumElements(), type_text(*array->getElementType()));
  if (const auto *structure = dyn_cast<StructType>(&type)) {
    if (structure->isOpaque())
      return "opaque";
    std::string members;
    for (const Type *member : structure->elements())
      members += (members.empty() ? "" : ", ") + type_text(*member);
    return (structure->isPacked() ? "<{ " : "{ ") + members + (structure->isPacked() ? " }>" : " }");
  }
  if (const auto *function = dyn_cast<FunctionType>(&type)) {
    std::string parameters;
    for (const Type *parameter : function->params())
      parameters += (parameters.empty() ? "" : ", ") + type_text(*parameter);
    return fmt::format("{} ({}{})", type_text(*function->getReturnType()), parameters,
                       function->isVarArg() ? ", ..." : "");
  }
  return print(type);
}

} // namespace osr
