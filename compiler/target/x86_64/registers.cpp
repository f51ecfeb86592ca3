#include "compiler/target/registers.h"

#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {

bool is_vector_register(MCRegister reg, const TargetRegisterInfo &registers) {
  return StringRef(registers.getName(reg)).contains("MM");
}

/// Vector, tile, MMX and x87 registers.
bool is_in_extended_state(MCRegister reg, const TargetRegisterInfo &registers) {
  StringRef name = registers.getName(reg);
  return name.contains("MM") || ((name.consume_front("ST") || name.consume_front("FP")) && isDigit(name.front()));
}

/// x87.
bool is_register_stack(const TargetRegisterClass &kind, const TargetRegisterInfo &registers) {
  return StringRef(registers.getRegClassName(&kind)).starts_with("RFP");
}

/// AMX.
bool is_in_configured_register(const Type &type) { return type.isX86_AMXTy(); }

} // namespace osr
