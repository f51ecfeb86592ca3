// Values that code generation leaves undefined get a definition.
#pragma once

namespace llvm {
class MachineFunctionPass;
}

namespace osr {

/// For baseline code, before registers are allocated: what is undefined in one block and read in another is defined by a
/// copy of some register. Parts of wide phis are like that. Allocation without liveness would let the other block read a
/// spill slot that nobody has written, and the certificate would have to take it for a value that lives from the
/// beginning on.
llvm::MachineFunctionPass *create_define_undefined_pass();

} // namespace osr
