// What the variables of a function are while it runs, as far as that is sure.
//
// LLVM's records of what a variable is are not to be relied on where a wrong value would be a wrong answer: where a block that does
// nothing goes, assignments in it go with it, and the variable seems to be what it was before; an operation that moves into a phi takes
// the phi's records along. Whoever has to be sure *observes*: in front of each call, and at the beginning and the end of each
// round of a loop, a call that takes the variables which are needed there. That is code for comparison only (observed_values.h).
#pragma once

#include <llvm/IR/Module.h>

#include <vector>

namespace llvm {
class DILocalVariable;
} // namespace llvm

namespace osr {

/// A variable, or a part of one, whose value is observed; of its function by number.
struct ObservedPart {
  const llvm::DILocalVariable *variable = nullptr;
  std::uint64_t bit_offset = 0, bits = 0;
};
/// By the number that functions get as an attribute. Calls of gate_see get the number of their place, and number and value of each
/// part; what is called behind it has the number as an attribute.
std::vector<std::vector<ObservedPart>> observe_variables(llvm::Module &module);
inline constexpr const char *observed_attribute = "osr-observed";
inline constexpr const char *observed_place = "osr-observed-place";

} // namespace osr
