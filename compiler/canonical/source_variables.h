// Variables of a function as a front end wrote it, where each is an object in memory.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <optional>
#include <vector>

namespace llvm {
class DIGlobalVariable;
class DILocalVariable;
class DISubprogram;
} // namespace llvm

namespace osr {

/// A part of an object that becomes a value.
struct ObjectPart {
  std::uint64_t offset = 0; ///< bytes
  llvm::Type *type = nullptr;
};

/// The values that it becomes. Nothing: it stays an object, or there would be too many.
std::optional<llvm::SmallVector<ObjectPart, 8>> parts_of(const llvm::AllocaInst &object);

/// It becomes a value of its own type.
bool is_one_value(const llvm::AllocaInst &object);

/// The variable of the source that the whole of it is; of what was inlined here nobody knows.
const llvm::DILocalVariable *variable_of(llvm::AllocaInst &object);

/// "", or why it is not as a front end wrote it, with debug information.
std::string why_not_as_written(llvm::Function &function);

using SourceObjects = std::vector<std::pair<llvm::AllocaInst *, const llvm::DILocalVariable *>>;

/// Those of functions that are as a front end wrote them, while that is so.
SourceObjects find_source_objects(llvm::Module &module);

/// Those that stay objects in memory keep their variable, as metadata.
void mark_objects(const SourceObjects &objects);
inline constexpr const char *object_variable = "osr.object.variable";

/// Before anything is optimised: writes down in the module which variables are given a value at more than one place. Of these LLVM's records
/// get lost: where a block that does nothing goes, an assignment in it goes with it, and the variable seems to be what it was before.
void mark_reassigned(llvm::Module &module);

/// What is known of a module's variables besides where LLVM's records say that they are.
struct ModuleVariables {
  llvm::DenseSet<const llvm::DILocalVariable *> reassigned;
  /// Static variables of functions. Null: of each thread, which lie where only the runtime finds them.
  llvm::DenseMap<const llvm::DISubprogram *,
                 llvm::SmallVector<std::pair<const llvm::DIGlobalVariable *, llvm::GlobalVariable *>, 2>>
      statics;
};
ModuleVariables find_module_variables(llvm::Module &module);

} // namespace osr
