// Moves local objects out of the frame.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Allocas of constant size that are executed at most once per activation move to the entry block.
void make_objects_static(llvm::Function &function);

/// Has it objects whose number or size is known only when they are made?
bool has_variable_objects(const llvm::Function &function);

/// Replaces every alloca of `function` by a part of one object frame (see objects.h): one push at the start of the entry
/// block, directly followed by the address of each object; a pop before each return and before each guaranteed tail
/// call. Lifetime markers go, for they may only name allocas; stacksave and stackrestore, for nothing is allocated between
/// them. For replaceable functions only, whose objects all have a size that is known.
void move_objects(llvm::Function &function);

} // namespace osr
