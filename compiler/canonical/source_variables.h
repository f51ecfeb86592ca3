// Variables of a function as a front end wrote it, where each is an object in memory.
//
// LLVM's records of what a variable is are not to be relied on where a wrong value would be a wrong answer: where a block that does
// nothing goes, assignments in it go with it, and the variable seems to be what it was before; an operation that moves into a phi takes
// the phi's records along. Whoever has to be sure *observes*: in front of each call, and at the beginning and the end of each
// round of a loop, a call that takes the variables which are needed there. That is code for comparison only (observed_values.h).
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <optional>
#include <vector>

namespace llvm {
class DILocalVariable;
} // namespace llvm

namespace osr {

/// A part of an object that becomes a value.
struct ObjectPart {
  std::uint64_t offset = 0; ///< bytes
  llvm::Type *type = nullptr;
};

/// Nobody else can know its address, and every access is of a part that is known here: LLVM makes it values.
bool becomes_values(const llvm::Value &address);

/// The values that it becomes. Nothing: it stays an object, or there would be too many.
std::optional<llvm::SmallVector<ObjectPart, 8>> parts_of(const llvm::AllocaInst &object);

/// The variable of the source that the whole of it is; of what was inlined here nobody knows.
const llvm::DILocalVariable *variable_of(llvm::AllocaInst &object);

/// "", or why it is not as a front end wrote it, with debug information.
std::string why_not_as_written(llvm::Function &function);

using SourceObjects = std::vector<std::pair<llvm::AllocaInst *, const llvm::DILocalVariable *>>;

/// Those of functions that are as a front end wrote them, while that is so.
SourceObjects find_source_objects(llvm::Module &module);

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
void mark_objects(const SourceObjects &objects);

/// Metadata of an object that stays one: its variable.
inline constexpr const char *object_variable = "osr.object.variable";

} // namespace osr
