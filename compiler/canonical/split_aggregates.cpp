#include "compiler/canonical/split_aggregates.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

using Members = SmallVector<Value *, 4>; // depth first

unsigned member_count(const Type *type) {
  auto add = [](unsigned a, std::uint64_t b) { return unsigned(std::min<std::uint64_t>(a + b, 1u << 20)); };
  unsigned count = 0;
  if (const auto *structure = dyn_cast<StructType>(type)) {
    for (const Type *member : structure->elements())
      count = add(count, member_count(member));
    return count;
  }
  if (const auto *array = dyn_cast<ArrayType>(type))
    return add(0, std::min<std::uint64_t>(array->getNumElements(), 1u << 20) * member_count(array->getElementType()));
  return 1;
}

Type *element_type(const Type *type, unsigned index) {
  return ExtractValueInst::getIndexedType(const_cast<Type *>(type), {index});
}

unsigned element_count(const Type *type) {
  const auto *array = dyn_cast<ArrayType>(type);
  return array ? array->getNumElements() : cast<StructType>(type)->getNumElements();
}

/// Position of the first member of type[indices] among all members.
unsigned member_offset(const Type *type, ArrayRef<unsigned> indices) {
  unsigned offset = 0;
  for (unsigned index : indices) {
    for (unsigned i = 0; i < index; ++i)
      offset += member_count(element_type(type, i));
    type = element_type(type, index);
  }
  return offset;
}

/// Instructions that only pass members on; everything else makes or needs the aggregate as such.
bool passes_members(const Value &value) {
  return isa<PHINode, SelectInst, FreezeInst, InsertValueInst, ExtractValueInst>(value);
}

class Splitter {
public:
  explicit Splitter(Function &function) : function_(function) {}

  void run() {
    collect();
    for (Instruction *instruction : passing_)
      members(*instruction);
    fill_phis();
    for (Instruction *instruction : passing_)
      if (auto *extract = dyn_cast<ExtractValueInst>(instruction); extract && !extract->getType()->isAggregateType())
        replace_extract(*extract);
    for (Use *use : needed_whole_)
      rebuild(*use);
    for (Instruction *instruction : passing_)
      instruction->replaceAllUsesWith(PoisonValue::get(instruction->getType()));
    for (Instruction *instruction : passing_)
      instruction->eraseFromParent();
    for (Instruction *made : reverse(made_))
      if (isInstructionTriviallyDead(made))
        made->eraseFromParent();
  }

private:
  void collect() {
    for (BasicBlock &block : function_)
      for (Instruction &instruction : block) {
        bool passes = passes_members(instruction);
        if (passes && (instruction.getType()->isAggregateType() || isa<ExtractValueInst>(instruction)))
          passing_.push_back(&instruction);
        for (Use &operand : instruction.operands())
          if (!passes && operand->getType()->isAggregateType() && !isa<Constant>(operand.get()) &&
              !used_at_once(operand))
            needed_whole_.push_back(&operand);
      }
  }

  /// True when the aggregate is made by the instruction right before: `%r = call ...` `ret %r`.
  static bool used_at_once(const Use &use) {
    const auto *maker = dyn_cast<Instruction>(use.get());
    return maker && !passes_members(*maker) && maker->getNextNode() == use.getUser();
  }

  const Members &members(Value &value) {
    if (auto found = members_.find(&value); found != members_.end())
      return found->second;
    if (auto *phi = dyn_cast<PHINode>(&value))
      return members_[&value] = phi_members(*phi); // without operands yet, for loops lead back here
    Members result;
    if (auto *constant = dyn_cast<Constant>(&value))
      add_constant_members(*constant, result);
    else if (auto *insert = dyn_cast<InsertValueInst>(&value))
      result = insert_members(*insert);
    else if (auto *extract = dyn_cast<ExtractValueInst>(&value))
      result = extract_members(*extract);
    else if (auto *select = dyn_cast<SelectInst>(&value))
      result = select_members(*select);
    else if (auto *freeze = dyn_cast<FreezeInst>(&value))
      result = freeze_members(*freeze);
    else
      extract_after(value, result);
    return members_[&value] = std::move(result);
  }

  Members copy_of_members(Value &value) {
    if (value.getType()->isAggregateType() || isa<ExtractValueInst>(value)) // the extract itself will go
      return members(value);
    return {&value};
  }

  static void add_constant_members(Constant &constant, Members &result) {
    if (!constant.getType()->isAggregateType()) {
      result.push_back(&constant);
      return;
    }
    for (unsigned i = 0; i < element_count(constant.getType()); ++i)
      add_constant_members(*constant.getAggregateElement(i), result);
  }

  Members insert_members(InsertValueInst &insert) {
    Members result = copy_of_members(*insert.getAggregateOperand());
    unsigned offset = member_offset(insert.getType(), insert.getIndices());
    for (Value *member : copy_of_members(*insert.getInsertedValueOperand()))
      result[offset++] = member;
    return result;
  }

  Members extract_members(ExtractValueInst &extract) {
    Members all = copy_of_members(*extract.getAggregateOperand());
    unsigned offset = member_offset(extract.getAggregateOperand()->getType(), extract.getIndices());
    return Members(ArrayRef<Value *>(all).slice(offset, member_count(extract.getType())));
  }

  Members select_members(SelectInst &select) {
    Members yes = copy_of_members(*select.getTrueValue()), no = copy_of_members(*select.getFalseValue()), result;
    IRBuilder<> builder(&select);
    for (auto [a, b] : zip(yes, no))
      result.push_back(note(builder.CreateSelect(select.getCondition(), a, b, select.getName(), &select)));
    return result;
  }

  Members freeze_members(FreezeInst &freeze) {
    Members result;
    IRBuilder<> builder(&freeze);
    for (Value *member : copy_of_members(*freeze.getOperand(0)))
      result.push_back(note(builder.CreateFreeze(member, freeze.getName())));
    return result;
  }

  Members phi_members(PHINode &phi) {
    Members result;
    IRBuilder<> builder(&phi);
    SmallVector<Type *, 4> types;
    add_member_types(phi.getType(), types);
    for (Type *type : types)
      result.push_back(note(builder.CreatePHI(type, phi.getNumIncomingValues(), phi.getName())));
    return result;
  }

  static void add_member_types(Type *type, SmallVectorImpl<Type *> &types) {
    if (!type->isAggregateType()) {
      types.push_back(type);
      return;
    }
    for (unsigned i = 0; i < element_count(type); ++i)
      add_member_types(element_type(type, i), types);
  }

  void fill_phis() {
    for (Instruction *instruction : passing_) {
      auto *phi = dyn_cast<PHINode>(instruction);
      if (!phi)
        continue;
      Members parts = members(*phi);
      for (unsigned i = 0; i < phi->getNumIncomingValues(); ++i) {
        Members incoming = copy_of_members(*phi->getIncomingValue(i));
        for (auto [part, value] : zip(parts, incoming))
          cast<PHINode>(part)->addIncoming(value, phi->getIncomingBlock(i));
      }
    }
  }

  void extract_after(Value &value, Members &result) {
    auto *maker = dyn_cast<Instruction>(&value);
    auto position = maker ? *maker->getInsertionPointAfterDef() : function_.getEntryBlock().getFirstInsertionPt();
    IRBuilder<> builder(position->getParent(), position);
    SmallVector<unsigned, 4> path;
    extract_all(builder, value, value.getType(), path, result);
  }

  void extract_all(IRBuilder<> &builder, Value &value, Type *type, SmallVectorImpl<unsigned> &path, Members &result) {
    if (!type->isAggregateType()) {
      result.push_back(note(builder.CreateExtractValue(&value, path, value.getName())));
      return;
    }
    for (unsigned i = 0; i < element_count(type); ++i) {
      path.push_back(i);
      extract_all(builder, value, element_type(type, i), path, result);
      path.pop_back();
    }
  }

  void replace_extract(ExtractValueInst &extract) {
    Value *member = members(extract).front();
    if (isa<Instruction>(member) && extract.hasName())
      member->takeName(&extract);
    extract.replaceAllUsesWith(member);
  }

  void rebuild(Use &use) {
    Type *type = use->getType();
    Members parts = members(*use.get());
    IRBuilder<> builder(cast<Instruction>(use.getUser()));
    Value *whole = PoisonValue::get(type);
    SmallVector<unsigned, 4> path;
    unsigned next = 0;
    insert_all(builder, whole, type, path, parts, next);
    use.set(whole);
  }

  void insert_all(IRBuilder<> &builder, Value *&whole, Type *type, SmallVectorImpl<unsigned> &path,
                  const Members &parts, unsigned &next) {
    if (!type->isAggregateType()) {
      whole = note(builder.CreateInsertValue(whole, parts[next++], path));
      return;
    }
    for (unsigned i = 0; i < element_count(type); ++i) {
      path.push_back(i);
      insert_all(builder, whole, element_type(type, i), path, parts, next);
      path.pop_back();
    }
  }

  Value *note(Value *value) {
    if (auto *instruction = dyn_cast<Instruction>(value))
      made_.push_back(instruction);
    return value;
  }

  Function &function_;
  SmallVector<Instruction *, 16> passing_;
  SmallVector<Use *, 16> needed_whole_;
  DenseMap<Value *, Members> members_;
  SmallVector<Instruction *, 32> made_;
};

bool is_too_large(const Value &value) {
  return value.getType()->isAggregateType() && member_count(value.getType()) > largest_aggregate;
}

} // namespace

bool split_aggregates(Function &function) {
  for (Argument &argument : function.args())
    if (is_too_large(argument))
      return false;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      if (is_too_large(instruction))
        return false;
      for (Value *operand : instruction.operands())
        if (is_too_large(*operand) && passes_members(instruction))
          return false;
    }
  Splitter(function).run();
  return true;
}

} // namespace osr
