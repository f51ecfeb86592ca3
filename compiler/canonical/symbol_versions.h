// Versions of symbols: `.symver` in assembly.
#pragma once

namespace llvm {
class Module;
}

namespace osr {

/// A program may ask for an older version of a function of a library, so that it runs on older systems too, and brings the directive
/// along when it is made of a library's sources. The assembler has to see it beside what uses the symbol, and each function is assembled
/// by itself here. So names say it:
///
///     .symver old_realpath, realpath@GLIBC_2.2.5      @old_realpath is declared: it is called "realpath@GLIBC_2.2.5"
///     .symver open_v2, open_it@@V2                    @open_v2 is defined: @open_it is an alias of it
///
/// Versions of what the program defines mean nothing to the program itself, which is no library. Before aliases are replaced.
void take_symbol_versions(llvm::Module &module);

} // namespace osr
