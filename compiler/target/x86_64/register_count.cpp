#include "compiler/target/x86_64/register_count.h"

#include <llvm/CodeGen/Analysis.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <algorithm>

using namespace llvm;

namespace osr {

RegisterCount count_registers(Type *value, CallingConv::ID convention, const Function &within,
                              const TargetMachine &machine) {
  const TargetLowering &lowering = *machine.getSubtargetImpl(within)->getTargetLowering();
  LLVMContext &context = within.getContext();
  SmallVector<EVT, 8> pieces;
  ComputeValueVTs(lowering, within.getDataLayout(), value, pieces);
  RegisterCount registers;
  for (EVT piece : pieces) {
    const MVT type = lowering.getRegisterTypeForCallingConv(context, convention, piece);
    const unsigned count = lowering.getNumRegistersForCallingConv(context, convention, piece);
    if (type == MVT::f80) {
      registers.x87 += count;
    } else if (type.isScalarInteger()) {
      registers.general += count;
    } else {
      registers.vectors += count;
      const unsigned bytes = std::max<unsigned>(16, type.getStoreSize().getKnownMinValue());
      registers.vector_bytes = std::max(registers.vector_bytes, bytes);
    }
  }
  return registers;
}

bool fits_result_registers(const RegisterCount &count) {
  return count.general <= 3 && count.vectors <= 4 && count.x87 <= 2;
}

} // namespace osr
