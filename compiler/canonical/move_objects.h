// Moves local objects from the frame to the object stack.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Replaces every alloca of `function` by memory of the object stack (see object_stack.h): one push at the start of the
/// entry block, directly followed by the address of each static object; a pop before each return and before each
/// guaranteed tail call; dynamic allocas, stacksave and stackrestore by their counterparts.
/// Lifetime markers go, for they may only name allocas. For replaceable functions only.
void move_objects(llvm::Function &function);

} // namespace osr
