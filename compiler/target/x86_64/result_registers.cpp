#include "compiler/target/result_registers.h"

#include <llvm/CodeGen/Analysis.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <algorithm>

using namespace llvm;

namespace osr {

std::optional<ResultRegisters> result_registers(const CallBase &call, const TargetMachine &machine) {
  constexpr unsigned general_limit = 3, vector_limit = 4, x87_limit = 2;
  const Function &caller = *call.getFunction();
  const TargetLowering &lowering = *machine.getSubtargetImpl(caller)->getTargetLowering();
  LLVMContext &context = caller.getContext();

  SmallVector<EVT, 4> pieces;
  ComputeValueVTs(lowering, caller.getDataLayout(), call.getType(), pieces);
  ResultRegisters result;
  unsigned general = 0, vectors = 0;
  for (EVT piece : pieces) {
    MVT type = lowering.getRegisterTypeForCallingConv(context, call.getCallingConv(), piece);
    unsigned count = lowering.getNumRegistersForCallingConv(context, call.getCallingConv(), piece);
    if (type == MVT::f80) {
      result.x87 += count;
    } else if (type.isScalarInteger()) {
      general += count;
    } else {
      vectors += count;
      unsigned bytes = std::max<unsigned>(16, type.getStoreSize().getKnownMinValue());
      result.vector_bytes = std::max<std::uint8_t>(result.vector_bytes, bytes);
    }
  }
  if (general > general_limit || vectors > vector_limit || result.x87 > x87_limit || result.vector_bytes > 64)
    return std::nullopt;
  result.general = general != 0;
  return result;
}

} // namespace osr
