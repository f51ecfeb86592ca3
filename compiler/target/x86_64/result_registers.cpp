#include "compiler/target/result_registers.h"

#include "compiler/target/x86_64/register_count.h"

using namespace llvm;

namespace osr {

// If they do not do, code generation adds a hidden argument. Source of the rule: RetCC_X86_64_C in LLVM's X86CallingConv.td.

bool returns_in_memory(Type *result, CallingConv::ID convention, const Function &within, const TargetMachine &machine) {
  return !fits_result_registers(count_registers(result, convention, within, machine));
}

std::optional<ResultRegisters> result_registers(const CallBase &call, const TargetMachine &machine) {
  const RegisterCount count = count_registers(call.getType(), call.getCallingConv(), *call.getFunction(), machine);
  if (!fits_result_registers(count) || count.vector_bytes > 64)
    return std::nullopt;
  return ResultRegisters{.general = count.general != 0,
                         .vector_bytes = std::uint8_t(count.vector_bytes),
                         .stacked_floats = std::uint8_t(count.x87)};
}

} // namespace osr
