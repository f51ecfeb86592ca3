// Macros and numbers that assembly outside of functions defines.
#pragma once

namespace llvm {
class Module;
}

namespace osr {

/// Where a program is assembled as a whole, assembly in its functions may use what assembly outside of them has defined for the
/// assembler (`.macro`, `.set`). Here each function is assembled by itself, so the text that uses such a name gets the
/// definitions in front of it.
void define_macros_in_assembly(llvm::Module &module);

} // namespace osr
