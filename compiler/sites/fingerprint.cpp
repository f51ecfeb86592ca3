#include "compiler/sites/fingerprint.h"

#include "compiler/base/print.h"
#include "compiler/base/site.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/xxhash.h>

using namespace llvm;

namespace osr {
namespace {

class Hashing {
public:
  std::uint64_t hash(const Function &function) {
    for (const Argument &argument : function.args())
      number(argument);
    for (const BasicBlock &block : function) {
      number(block);
      for (const Instruction &instruction : block)
        number(instruction);
    }
    add(type(*function.getFunctionType()));
    for (const Instruction &instruction : instructions(function))
      add(instruction);
    return xxh3_64bits(
        ArrayRef(reinterpret_cast<const std::uint8_t *>(words_.data()), words_.size() * sizeof(words_[0])));
  }

private:
  void number(const Value &value) { numbers_.try_emplace(&value, numbers_.size()); }
  void add(std::uint64_t word) { words_.push_back(word); }
  static std::uint64_t of_text(StringRef text) { return xxh3_64bits(text); }

  std::uint64_t type(Type &type) {
    auto [found, is_new] = types_.try_emplace(&type, 0);
    if (is_new)
      found->second = of_text(print(type));
    return found->second;
  }

  void add(const Instruction &instruction) {
    add(instruction.getOpcode());
    add(instruction.getRawSubclassOptionalData());
    add(type(*instruction.getType()));
    add(numbers_.lookup(instruction.getParent()));
    if (const auto *compare = dyn_cast<CmpInst>(&instruction))
      add(compare->getPredicate());
    if (const auto *element = dyn_cast<GetElementPtrInst>(&instruction))
      add(type(*element->getSourceElementType()));
    if (const auto *update = dyn_cast<AtomicRMWInst>(&instruction))
      add(update->getOperation());
    if (const auto *object = dyn_cast<AllocaInst>(&instruction))
      add(type(*object->getAllocatedType()));
    if (const auto *call = dyn_cast<CallBase>(&instruction))
      add(call->getCallingConv());
    add(instruction.isVolatile());
    add(instruction.isAtomic());
    if (const auto *extract = dyn_cast<ExtractValueInst>(&instruction))
      words_.insert(words_.end(), extract->idx_begin(), extract->idx_end());
    if (const auto *insert = dyn_cast<InsertValueInst>(&instruction))
      words_.insert(words_.end(), insert->idx_begin(), insert->idx_end());
    if (const auto *phi = dyn_cast<PHINode>(&instruction))
      for (const BasicBlock *block : phi->blocks())
        add(numbers_.lookup(block));
    add(instruction.getNumOperands());
    for (const Use &operand : instruction.operands())
      add_operand(instruction, operand);
  }

  void add_operand(const Instruction &user, const Use &operand) {
    const Value &value = *operand;
    if (auto found = numbers_.find(&value); found != numbers_.end()) {
      add(found->second);
      return;
    }
    add(type(*value.getType()));
    if (const GlobalVariable *constant = as_own_constant(value))
      add_content(*constant);
    else if (const auto *global = dyn_cast<GlobalValue>(&value))
      add(of_text(name_for_people(global->getName())));
    else if (is_site_name(user, operand))
      add(SiteId::unpack(cast<ConstantInt>(value).getZExtValue())
              .index); // a body of the program may have another number
    else if (isa<Constant, InlineAsm>(value)) {
      add(of_text(print(value)));
      if (const auto *constant = dyn_cast<Constant>(&value))
        add_contents_in(*constant);
    }
  }

  static const GlobalVariable *as_own_constant(const Value &value) {
    const auto *variable = dyn_cast<GlobalVariable>(&value);
    return variable && variable->isConstant() && variable->hasLocalLinkage() && variable->hasInitializer() ? variable
                                                                                                           : nullptr;
  }

  /// And of the constants that it refers to.
  void add_content(const GlobalVariable &constant) {
    if (contents_.insert(&constant).second) {
      add(of_text(print(*constant.getInitializer())));
      add_contents_in(*constant.getInitializer());
    }
  }

  void add_contents_in(const Constant &constant) {
    for (const Use &operand : constant.operands())
      if (const GlobalVariable *own = as_own_constant(*operand))
        add_content(*own);
      else if (const auto *inner = dyn_cast<Constant>(operand); inner && !isa<GlobalValue>(inner))
        add_contents_in(*inner);
  }

  static bool is_site_name(const Instruction &user, const Use &operand) {
    const auto *call = dyn_cast<CallBase>(&user);
    const auto bundle = call ? frame_state_bundle(*call) : std::nullopt;
    return bundle && !bundle->Inputs.empty() && bundle->Inputs.begin() == &operand;
  }

  static std::string print(const Type &type) { return osr::print(type); }
  static std::string print(const Value &constant) {
    std::string text;
    raw_string_ostream stream(text);
    constant.printAsOperand(stream, /*PrintType=*/false);
    return text;
  }

  DenseMap<const Value *, std::uint64_t> numbers_;
  DenseMap<const Type *, std::uint64_t> types_;
  DenseSet<const GlobalVariable *> contents_; ///< that were added
  std::vector<std::uint64_t> words_;
};

} // namespace

std::uint64_t fingerprint(const Function &function) { return Hashing().hash(function); }

} // namespace osr
