// Symbols as operands of assembly, and those that assembly defines.
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

/// What assembly outside of functions defines without `.globl` is known in its own object only. Natively the functions of the
/// module are in that object; here each is one by itself. So those names that the module's functions or variables use become
/// global.
void show_symbols_of_assembly(llvm::Module &module);

} // namespace osr
