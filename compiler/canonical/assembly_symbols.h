// Symbols as operands of assembly.
#pragma once

namespace llvm {
class Module;
}

namespace osr {

/// `"i"(function)` puts a symbol into the text of assembly: where a program is linked as a whole, that is a constant. Symbols of
/// other modules are none for the code generator, and here each version is one; but as a name in the text the linker takes
/// each. So the text gets the name, and the operand becomes 0:
///
///     asm("call %P0" :: "i"(helper))     becomes     asm("call \"helper\"" :: "i"(0))
///
/// Names must be final.
void name_symbols_in_assembly(llvm::Module &module);

} // namespace osr
