#include "compiler/target/registers.h"

#include "compiler/base/error.h"
#include "compiler/target/x86_64/instruction_names.h"

#include <fmt/ranges.h>

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr StringRef stack_register_classes = "RFP"; ///< and how many bits

} // namespace

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
  return StringRef(registers.getRegClassName(&kind)).starts_with(stack_register_classes);
}

/// AMX.
bool is_in_configured_register(const Type &type) { return type.isX86_AMXTy(); }

Error check_register_names(const MCRegisterInfo &registers) {
  SmallVector<StringRef> missing = {nop_register, "MM0", "XMM0", "TMM0", "ST0", "FP0", stack_register_classes};
  for (unsigned reg = 1; reg < registers.getNumRegs(); ++reg)
    erase_if(missing, [&](StringRef known) { return registers.getName(reg) == known; });
  for (const MCRegisterClass &kind : registers.regclasses())
    erase_if(missing, [&](StringRef known) {
      return known == stack_register_classes && StringRef(registers.getRegClassName(&kind)).starts_with(known);
    });
  if (missing.empty())
    return Error::success();
  return make_error("this LLVM has no registers named {}",
                    fmt::join(map_range(missing, [](StringRef name) { return name.str(); }), ", "));
}

} // namespace osr
