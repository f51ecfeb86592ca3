// Whether two bodies of a function differ in numbers and texts only.
//
//     while (next_line())                          while (next_line())
//       total = total * 3 + checksum(line);          total = total * 5 + checksum(line);
//
// Then every value of the one has its counterpart in the other, at each site, and an activation of the one may go on in the
// other with what it has computed so far. Nothing weaker is taken for that: a value that merely has the same type may mean
// something else.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Both are canonical and numbered. True: the same instructions in the same blocks, each with the operands that correspond,
/// calls of the same functions, objects and offsets into them the same; only constants may differ that are computed with,
/// compared, stored, passed or returned, and constant variables of a module's own, such as string literals.
bool have_same_shape(const llvm::Function &one, const llvm::Function &other);

} // namespace osr
