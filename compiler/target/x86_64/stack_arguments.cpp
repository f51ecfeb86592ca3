#include "compiler/target/stack_arguments.h"

#include "compiler/target/result_registers.h"
#include "compiler/target/x86_64/register_count.h"
#include "osr-stubs/frame_words.h"

#include <llvm/IR/DataLayout.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t general_registers = 6, vector_registers = 8;
constexpr std::uint64_t word = word_size, stack_align = call_alignment;

struct Pieces {
  std::uint64_t general = 0; ///< words
  std::uint64_t vectors = 0; ///< of 16 bytes
  std::uint64_t in_memory = 0; ///< bytes
  std::uint64_t padding =
      0;   ///< bytes that the alignment of wide integers may leave free, once they are not in registers
  bool wide = false;           ///< a vector of more than 16 bytes
};

void count_integer(unsigned bits, std::uint64_t number, Pieces &pieces) {
  pieces.general += number * std::max<std::uint64_t>(1, divideCeil(bits, 64));
  if (bits > 64)
    pieces.padding += number * word;
}

/// Code generation may pass a vector as a whole, in parts, or element by element.
void count_vector(const FixedVectorType &vector, Pieces &pieces) {
  const auto bits = vector.getPrimitiveSizeInBits().getFixedValue();
  const std::uint64_t number = vector.getNumElements();
  pieces.vectors += std::max<std::uint64_t>(divideCeil(bits, 128), isPowerOf2_64(number) ? 1 : number);
  pieces.wide |= bits > 128;
  const auto *integer = dyn_cast<IntegerType>(vector.getElementType());
  const bool is_plain = !integer || is_contained({8u, 16u, 32u, 64u}, integer->getBitWidth());
  if (!is_plain || !isPowerOf2_64(number) || number == 1)
    count_integer(unsigned(vector.getScalarSizeInBits()), number, pieces);
}

void count(const Type &type, const DataLayout &layout, Pieces &pieces) {
  if (const auto *structure = dyn_cast<StructType>(&type)) {
    for (const Type *member : structure->elements())
      count(*member, layout, pieces);
  } else if (const auto *array = dyn_cast<ArrayType>(&type)) {
    Pieces element;
    count(*array->getElementType(), layout, element);
    const std::uint64_t number = array->getNumElements();
    pieces.general += number * element.general;
    pieces.vectors += number * element.vectors;
    pieces.in_memory += number * element.in_memory;
    pieces.padding += number * element.padding;
    pieces.wide |= element.wide;
  } else if (const auto *vector = dyn_cast<FixedVectorType>(&type)) {
    count_vector(*vector, pieces);
  } else if (type.isX86_FP80Ty()) {
    pieces.in_memory += 16;
  } else if (type.isFloatingPointTy()) {
    ++pieces.vectors;
  } else {
    count_integer(unsigned(layout.getTypeSizeInBits(const_cast<Type *>(&type)).getKnownMinValue()), 1, pieces);
  }
}

Pieces count_arguments(const Function &function) {
  Pieces pieces;
  const DataLayout &layout = function.getDataLayout();
  for (const Argument &argument : function.args()) {
    if (!argument.hasByValAttr()) {
      count(*argument.getType(), layout, pieces);
      continue;
    }
    const std::uint64_t align = argument.getParamAlign().valueOrOne().value();
    pieces.in_memory += alignTo(layout.getTypeAllocSize(argument.getParamByValType()).getFixedValue(), word) + align;
  }
  return pieces;
}

bool has_wide_vector(const Type *type) {
  if (const auto *structure = dyn_cast<StructType>(type))
    return any_of(structure->elements(), has_wide_vector);
  if (const auto *array = dyn_cast<ArrayType>(type))
    return array->getNumElements() > 0 && has_wide_vector(array->getElementType());
  return type->isVectorTy() && type->getPrimitiveSizeInBits().getFixedValue() > 128;
}

} // namespace

std::uint64_t most_stack_argument_bytes(const Function &function) {
  const Pieces pieces = count_arguments(function);
  std::uint64_t bytes = pieces.in_memory;
  if (pieces.general > general_registers)
    bytes += (pieces.general - general_registers) * word + pieces.padding;
  if (pieces.vectors > vector_registers)
    bytes += (pieces.vectors - vector_registers) * 16;
  return alignTo(bytes, stack_align);
}

bool has_over_aligned_stack_argument(const Function &function) {
  const Pieces pieces = count_arguments(function);
  return (pieces.wide && pieces.vectors > vector_registers) || any_of(function.args(), [](const Argument &argument) {
           return argument.hasByValAttr() && argument.getParamAlign().valueOrOne().value() > stack_align;
         });
}

/// Eight vector registers carry arguments; a wide vector beyond them, or among variable arguments, lies on the stack,
/// aligned to its size. So does the memory for a result that does not fit into registers.
bool needs_realigned_frame(const CallBase &call, const TargetMachine &machine) {
  const Function &caller = *call.getFunction();
  bool may_be_wide = false, wide = false;
  for (unsigned i = 0; i < call.arg_size(); ++i) {
    if (call.isByValArgument(i) && call.getParamAlign(i).valueOrOne().value() > stack_align)
      return true;
    may_be_wide |= has_wide_vector(call.getArgOperand(i)->getType());
  }
  unsigned vectors = 0;
  if (may_be_wide)
    for (const Use &argument : call.args()) {
      const RegisterCount registers = count_registers(argument->getType(), call.getCallingConv(), caller, machine);
      vectors += registers.vectors;
      wide |= registers.vector_bytes > 16;
    }
  if (wide && (vectors > vector_registers || call.getFunctionType()->isVarArg()))
    return true;
  return !call.getType()->isVoidTy() && caller.getDataLayout().getPrefTypeAlign(call.getType()).value() > stack_align &&
         returns_in_memory(call.getType(), call.getCallingConv(), caller, machine);
}

} // namespace osr
