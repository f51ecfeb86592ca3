// Changes functions of a program at random, as LLVM's own fuzzers do: instructions, blocks and phis come and go, operands are
// exchanged. What comes out is valid IR, of shapes that no front end writes; it may well do something undefined.
//
//     mutate SEED CHANGES IN.bc OUT.bc
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/FuzzMutate/IRMutator.h>
#include <llvm/FuzzMutate/RandomIRBuilder.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <memory>
#include <random>
#include <vector>

using namespace llvm;

namespace {

SmallVector<Type *, 24> types_of(LLVMContext &context) {
  Type *byte = Type::getInt8Ty(context), *word = Type::getInt32Ty(context), *real = Type::getDoubleTy(context),
       *single = Type::getFloatTy(context);
  const auto integer = [&](unsigned bits) -> Type * { return Type::getIntNTy(context, bits); };
  const auto vector = [](Type *element, unsigned count) -> Type * { return FixedVectorType::get(element, count); };
  return {integer(1),
          integer(7),
          byte,
          integer(16),
          word,
          Type::getInt64Ty(context),
          integer(96),
          integer(128),
          integer(200),
          Type::getHalfTy(context),
          single,
          real,
          Type::getX86_FP80Ty(context),
          Type::getFP128Ty(context),
          PointerType::get(context, 0),
          vector(integer(1), 4),
          vector(byte, 16),
          vector(word, 4),
          vector(word, 3),
          vector(integer(64), 8),
          vector(single, 3),
          vector(real, 2),
          vector(PointerType::get(context, 0), 2)};
}

/// Calls of LLVM's own operations on values that are there, with types that nobody would think of.
class InsertIntrinsic final : public IRMutationStrategy {
public:
  uint64_t getWeight(size_t, size_t, uint64_t) override { return 1; }

  using IRMutationStrategy::mutate;
  void mutate(BasicBlock &block, RandomIRBuilder &builder) override {
    SmallVector<Instruction *, 32> all;
    for (Instruction &instruction : make_range(block.getFirstInsertionPt(), block.end()))
      all.push_back(&instruction);
    if (all.empty())
      return;
    const std::size_t place = builder.Rand() % all.size();
    const ArrayRef<Instruction *> before = ArrayRef(all).take_front(place), after = ArrayRef(all).drop_front(place);
    Type *type = builder.randomType();
    const Ids ids = fitting(*type, builder);
    if (ids.empty())
      return;
    Function *callee = Intrinsic::getOrInsertDeclaration(block.getModule(), ids[builder.Rand() % ids.size()], {type});
    SmallVector<Value *, 4> arguments;
    for (const Argument &argument : callee->args()) {
      const auto fits = [&](ArrayRef<Value *>, const Value *value) { return value->getType() == argument.getType(); };
      if (argument.hasAttribute(Attribute::ImmArg)) {
        arguments.push_back(ConstantInt::get(argument.getType(), builder.Rand() % 2));
        continue;
      }
      const auto make = [&](ArrayRef<Value *>, ArrayRef<Type *>) {
        return std::vector<Constant *>{Constant::getNullValue(argument.getType())};
      };
      arguments.push_back(builder.findOrCreateSource(block, before, arguments, fuzzerop::SourcePred(fits, make)));
    }
    auto *call = CallInst::Create(callee, arguments);
    call->insertBefore(after.front()->getIterator());
    if (!call->getType()->isVoidTy() && !call->getType()->isAggregateType())
      builder.connectToSink(block, after, call);
  }

private:
  using Ids = ArrayRef<Intrinsic::ID>;
  static constexpr Intrinsic::ID of_integers[] = {Intrinsic::abs,
                                                  Intrinsic::bitreverse,
                                                  Intrinsic::bswap,
                                                  Intrinsic::ctlz,
                                                  Intrinsic::ctpop,
                                                  Intrinsic::cttz,
                                                  Intrinsic::fshl,
                                                  Intrinsic::fshr,
                                                  Intrinsic::sadd_sat,
                                                  Intrinsic::sadd_with_overflow,
                                                  Intrinsic::sdiv_fix,
                                                  Intrinsic::smul_fix_sat,
                                                  Intrinsic::smul_with_overflow,
                                                  Intrinsic::sshl_sat,
                                                  Intrinsic::umax,
                                                  Intrinsic::umul_with_overflow,
                                                  Intrinsic::usub_sat};
  static constexpr Intrinsic::ID of_numbers[] = {
      Intrinsic::canonicalize, Intrinsic::ceil,     Intrinsic::copysign,   Intrinsic::cos,     Intrinsic::exp10,
      Intrinsic::fabs,         Intrinsic::fma,      Intrinsic::is_fpclass, Intrinsic::maximum, Intrinsic::minimumnum,
      Intrinsic::modf,         Intrinsic::pow,      Intrinsic::rint,       Intrinsic::round,   Intrinsic::sin,
      Intrinsic::sincos,       Intrinsic::sincospi, Intrinsic::sqrt,       Intrinsic::tan};
  static constexpr Intrinsic::ID of_integer_vectors[] = {Intrinsic::vector_reduce_add, Intrinsic::vector_reduce_smin,
                                                         Intrinsic::vector_reverse, Intrinsic::vp_add,
                                                         Intrinsic::vp_select};
  static constexpr Intrinsic::ID of_number_vectors[] = {Intrinsic::vector_reduce_fadd, Intrinsic::vector_reduce_fmax,
                                                        Intrinsic::vector_reverse, Intrinsic::vp_fdiv};

  static Ids fitting(const Type &type, RandomIRBuilder &builder) {
    const bool is_vector = type.isVectorTy() && builder.Rand() % 2;
    if (type.isIntOrIntVectorTy())
      return is_vector ? Ids(of_integer_vectors) : Ids(of_integers);
    if (type.isFPOrFPVectorTy())
      return is_vector ? Ids(of_number_vectors) : Ids(of_numbers);
    return {};
  }
};

using Strategies = std::vector<std::unique_ptr<IRMutationStrategy>>;

Strategies all_strategies() {
  Strategies strategies;
  strategies.push_back(std::make_unique<InjectorIRStrategy>());
  strategies.push_back(std::make_unique<InjectorIRStrategy>()); // most kinds of changes are of this one
  strategies.push_back(std::make_unique<InstDeleterIRStrategy>());
  strategies.push_back(std::make_unique<InstModificationIRStrategy>());
  strategies.push_back(std::make_unique<InsertCFGStrategy>());
  strategies.push_back(std::make_unique<InsertPHIStrategy>());
  strategies.push_back(std::make_unique<SinkInstructionStrategy>());
  strategies.push_back(std::make_unique<ShuffleBlockStrategy>());
  strategies.push_back(std::make_unique<InsertIntrinsic>());
  return strategies;
}

bool parse(const char *text, unsigned &number) { return !StringRef(text).getAsInteger(10, number); }

} // namespace

int main(int count, char **arguments) {
  unsigned seed = 0, changes = 0;
  if (count != 5 || !parse(arguments[1], seed) || !parse(arguments[2], changes)) {
    errs() << "usage: mutate SEED CHANGES IN.bc OUT.bc\n";
    return 2;
  }
  LLVMContext context;
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIRFile(arguments[3], diagnostic, context);
  if (!module) {
    diagnostic.print("mutate", errs());
    return 1;
  }
  StripDebugInfo(*module);
  const Strategies strategies = all_strategies();
  std::mt19937 source(seed);
  unsigned made = 0;
  for (unsigned attempt = 0; made < changes && attempt < 4 * changes; ++attempt) {
    std::unique_ptr<Module> next = CloneModule(*module);
    RandomIRBuilder builder(int(source()), types_of(context));
    strategies[source() % strategies.size()]->mutate(*next, builder);
    if (verifyModule(*next)) // not all of them know of exceptions, or of calls that have to be last
      continue;
    module = std::move(next);
    ++made;
  }
  std::error_code error;
  raw_fd_ostream out(arguments[4], error);
  WriteBitcodeToFile(*module, out);
  outs() << made << '\n';
  return error || made == 0;
}
