#include "compiler/canonical/state_words.h"

#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned word_bits = 64;

/// The integer type of the same bits; null for what has none. Vectors of pointers are looked at as such of integers.
IntegerType *bits_of(Type &type, const DataLayout &layout) {
  if (type.isPtrOrPtrVectorTy() || type.isIntOrIntVectorTy() || type.isFPOrFPVectorTy())
    if (TypeSize bits = layout.getTypeSizeInBits(&type); !bits.isScalable())
      return IntegerType::get(type.getContext(), bits.getFixedValue());
  return nullptr;
}

Type *integers_like_pointers(Type &type, const DataLayout &layout) {
  return type.isPtrOrPtrVectorTy() ? layout.getIntPtrType(&type) : &type;
}

unsigned member_count(const Type &type) {
  if (const auto *structure = dyn_cast<StructType>(&type))
    return structure->getNumElements();
  return cast<ArrayType>(type).getNumElements();
}

const DataLayout &layout_of(IRBuilder<> &builder) { return builder.GetInsertBlock()->getModule()->getDataLayout(); }

/// Takes words one after the other.
class Words {
public:
  Words(Value &words, IRBuilder<> &builder) : words_(words), builder_(builder) {}

  Value *next() {
    return next_ < member_count(*words_.getType()) ? builder_.CreateExtractValue(&words_, next_++) : nullptr;
  }

private:
  Value &words_;
  IRBuilder<> &builder_;
  unsigned next_ = 0;
};

Value *take(Type &type, Words &words, IRBuilder<> &builder) {
  if (type.isAggregateType()) {
    Value *whole = PoisonValue::get(&type);
    for (unsigned i = 0; i < member_count(type); ++i) {
      Value *member = take(*ExtractValueInst::getIndexedType(&type, i), words, builder);
      if (!member)
        return nullptr;
      whole = builder.CreateInsertValue(whole, member, i);
    }
    return whole;
  }
  const DataLayout &layout = layout_of(builder);
  IntegerType *bits = bits_of(type, layout);
  if (!bits)
    return nullptr;
  unsigned count = divideCeil(bits->getBitWidth(), word_bits);
  auto *whole_words = IntegerType::get(type.getContext(), count * word_bits);
  Value *whole = ConstantInt::get(whole_words, 0);
  for (unsigned i = 0; i < count; ++i) {
    Value *word = words.next();
    if (!word)
      return nullptr;
    whole = builder.CreateOr(whole, builder.CreateShl(builder.CreateZExt(word, whole_words), i * word_bits));
  }
  Value *as_integers = builder.CreateBitCast(builder.CreateTrunc(whole, bits), integers_like_pointers(type, layout));
  return type.isPtrOrPtrVectorTy() ? builder.CreateIntToPtr(as_integers, &type) : as_integers;
}

} // namespace

bool append_words(Value &value, IRBuilder<> &builder, SmallVectorImpl<Value *> &words) {
  Type &type = *value.getType();
  if (type.isAggregateType()) {
    for (unsigned i = 0; i < member_count(type); ++i)
      if (!append_words(*builder.CreateExtractValue(&value, i), builder, words))
        return false;
    return true;
  }
  const DataLayout &layout = layout_of(builder);
  IntegerType *bits = bits_of(type, layout);
  if (!bits)
    return false;
  Value *as_integers =
      type.isPtrOrPtrVectorTy() ? builder.CreatePtrToInt(&value, integers_like_pointers(type, layout)) : &value;
  unsigned count = divideCeil(bits->getBitWidth(), word_bits);
  Value *whole = builder.CreateZExt(builder.CreateBitCast(as_integers, bits),
                                    IntegerType::get(type.getContext(), count * word_bits));
  for (unsigned i = 0; i < count; ++i)
    words.push_back(builder.CreateTrunc(builder.CreateLShr(whole, i * word_bits), builder.getInt64Ty()));
  return true;
}

Value *value_of_words(Type &type, Value &words, IRBuilder<> &builder) {
  if (type.isVoidTy())
    return nullptr;
  Words rest(words, builder);
  return take(type, rest, builder);
}

} // namespace osr
