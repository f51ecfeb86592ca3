#include "compiler/sites/observed_values.h"

#include "compiler/base/print.h"
#include "compiler/canonical/gates.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/describe_points.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

const CallInst *as_see(const Instruction &instruction) {
  const auto *call = dyn_cast<CallInst>(&instruction);
  const Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee && callee->getName() == gate_see ? call : nullptr;
}

/// What values of one function are the same as values of the other.
class Comparison {
public:
  Comparison(const Function &one, const Function &other) : one_(one), other_(other) {}

  /// The same blocks, which do the same to memory and are left in the same ways.
  bool go_the_same_ways() {
    if (one_.size() != other_.size() || one_.arg_size() != other_.arg_size())
      return false;
    for (const auto &[left, right] : zip_equal(one_, other_))
      opposite_[&left] = &right;
    for (const auto &[left, right] : zip_equal(one_, other_))
      if (!pair_effects(left, right))
        return false;
    return all_of(zip_equal(one_, other_),
                  [&](const auto &blocks) {
                    return end_alike(*std::get<0>(blocks).getTerminator(), *std::get<1>(blocks).getTerminator());
                  }) &&
           all_of(effects_, [&](const auto &pair) { return have_same_effect(*pair.first, *pair.second); });
  }

  bool are_equal(const Value &left, const Value &right) {
    Pairs assumed;
    if (!follow(left, right, assumed))
      return false;
    proven_.insert_range(assumed);
    return true;
  }

private:
  using Pairs = DenseSet<std::pair<const Value *, const Value *>>;

  /// What a value depends on but its operands: the nth instruction of a block that touches memory is the nth of the other.
  bool pair_effects(const BasicBlock &left, const BasicBlock &right) {
    SmallVector<const Instruction *, 16> ours, theirs;
    for (const Instruction &instruction : left)
      if (has_effect(instruction))
        ours.push_back(&instruction);
    for (const Instruction &instruction : right)
      if (has_effect(instruction) && !as_see(instruction))
        theirs.push_back(&instruction);
    if (ours.size() != theirs.size())
      return false;
    for (const auto &[one, other] : zip_equal(ours, theirs))
      effects_[one] = other;
    return true;
  }

  bool have_same_effect(const Instruction &left, const Instruction &right) {
    SmallVector<std::pair<const Value *, const Value *>, 32> operands;
    return left.getOpcode() == right.getOpcode() && same_operands(left, right, operands) &&
           all_of(operands, [&](const auto &pair) { return are_equal(*pair.first, *pair.second); });
  }

  static bool has_effect(const Instruction &instruction) {
    return !instruction.isTerminator() && (isa<CallBase>(instruction) || instruction.mayReadOrWriteMemory());
  }

  bool end_alike(const Instruction &left, const Instruction &right) {
    if (left.getOpcode() != right.getOpcode() || left.getNumSuccessors() != right.getNumSuccessors())
      return false;
    for (unsigned i = 0; i != left.getNumSuccessors(); ++i)
      if (opposite_.lookup(left.getSuccessor(i)) != right.getSuccessor(i))
        return false;
    if (isa<CallBase>(left)) {
      effects_[&left] = &right;
      return true;
    }
    if (const auto *choice = dyn_cast<SwitchInst>(&left)) {
      for (const auto &[ours, theirs] : zip_equal(choice->cases(), cast<SwitchInst>(right).cases()))
        if (ours.getCaseValue()->getValue() != theirs.getCaseValue()->getValue())
          return false;
      return are_equal(*choice->getCondition(), *cast<SwitchInst>(right).getCondition());
    }
    const auto *branch = dyn_cast<BranchInst>(&left);
    if (branch && branch->isConditional())
      return are_equal(*branch->getCondition(), *cast<BranchInst>(right).getCondition());
    return isa<BranchInst, ReturnInst, UnreachableInst, ResumeInst>(left); // what is returned leads nowhere
  }

  bool follow(const Value &left, const Value &right, Pairs &assumed) const {
    SmallVector<std::pair<const Value *, const Value *>, 32> rest{{&left, &right}};
    while (!rest.empty()) {
      const auto [ours, theirs] = rest.pop_back_val();
      if (proven_.contains({ours, theirs}) || !assumed.insert({ours, theirs}).second)
        continue;
      if (const auto *argument = dyn_cast<Argument>(ours)) {
        const auto *same = dyn_cast<Argument>(theirs);
        if (!same || same->getArgNo() != argument->getArgNo())
          return false;
      } else if (isa<Constant, InlineAsm, MetadataAsValue>(ours)) {
        if (!isa<Constant, InlineAsm, MetadataAsValue>(theirs) || text(*ours) != text(*theirs))
          return false;
      } else if (!isa<Instruction>(ours) || !isa<Instruction>(theirs) ||
                 !match(*cast<Instruction>(ours), *cast<Instruction>(theirs), rest)) {
        return false;
      }
    }
    return true;
  }

  static std::string text(const Value &constant) {
    if (const auto *global = dyn_cast<GlobalValue>(&constant))
      return global->getName().str();
    return print(constant);
  }

  bool match(const Instruction &left, const Instruction &right,
             SmallVectorImpl<std::pair<const Value *, const Value *>> &rest) const {
    if (left.getOpcode() != right.getOpcode() || print(*left.getType()) != print(*right.getType()) ||
        left.getNumOperands() < operands_that_count(left) || opposite_.lookup(left.getParent()) != right.getParent())
      return false;
    if (has_effect(left) || isa<InvokeInst>(left))
      return effects_.lookup(&left) == &right && same_operands(left, right, rest);
    if (const auto *phi = dyn_cast<PHINode>(&left)) {
      const auto &other = cast<PHINode>(right);
      if (phi->getNumIncomingValues() != other.getNumIncomingValues())
        return false;
      for (const auto &[block, value] : zip_equal(phi->blocks(), phi->incoming_values())) {
        const int place = other.getBasicBlockIndex(opposite_.lookup(block));
        if (place < 0)
          return false;
        rest.push_back({value.get(), other.getIncomingValue(unsigned(place))});
      }
      return true;
    }
    return is_computed(left) && same_operation(left, right) && same_operands(left, right, rest);
  }

  static bool is_computed(const Instruction &instruction) {
    return isa<BinaryOperator, UnaryOperator, CastInst, CmpInst, SelectInst, GetElementPtrInst, FreezeInst,
               ExtractElementInst, InsertElementInst, ExtractValueInst, InsertValueInst>(instruction);
  }

  static bool same_operation(const Instruction &left, const Instruction &right) {
    if (const auto *compare = dyn_cast<CmpInst>(&left))
      return compare->getPredicate() == cast<CmpInst>(right).getPredicate();
    if (const auto *element = dyn_cast<GetElementPtrInst>(&left))
      return print(*element->getSourceElementType()) == print(*cast<GetElementPtrInst>(right).getSourceElementType());
    if (const auto *extract = dyn_cast<ExtractValueInst>(&left))
      return extract->getIndices() == cast<ExtractValueInst>(right).getIndices();
    if (const auto *insert = dyn_cast<InsertValueInst>(&left))
      return insert->getIndices() == cast<InsertValueInst>(right).getIndices();
    return true;
  }

  /// Of calls those that go to the callee, and it.
  static unsigned operands_that_count(const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    return call ? call->arg_size() : instruction.getNumOperands();
  }

  static bool same_operands(const Instruction &left, const Instruction &right,
                            SmallVectorImpl<std::pair<const Value *, const Value *>> &rest) {
    const unsigned count = operands_that_count(left);
    if (count != operands_that_count(right))
      return false;
    for (unsigned i = 0; i != count; ++i)
      rest.push_back({left.getOperand(i), right.getOperand(i)});
    if (const auto *call = dyn_cast<CallBase>(&left))
      rest.push_back({call->getCalledOperand(), cast<CallBase>(right).getCalledOperand()});
    return true;
  }

  const Function &one_, &other_;
  DenseMap<const BasicBlock *, const BasicBlock *> opposite_;
  DenseMap<const Instruction *, const Instruction *> effects_;
  Pairs proven_;
};

/// The call that saw what the variables are when `site` is called. Null: none is surely of it.
const CallInst *see_at(const CallBase &site) {
  if (!is_loop_poll(site)) {
    std::uint64_t place = 0;
    if (site.getFnAttr(observed_place).getValueAsString().getAsInteger(10, place))
      return nullptr;
    for (const Instruction *at = site.getPrevNode(); at; at = at->getPrevNode())
      if (const CallInst *see = as_see(*at); see && cast<ConstantInt>(see->getArgOperand(0))->getZExtValue() == place)
        return see;
    return nullptr;
  }
  // Directly in front of a poll, or directly behind it.
  const BasicBlock *asks = site.getParent()->getSinglePredecessor(), *on = site.getParent()->getSingleSuccessor();
  if (!asks || !on)
    return nullptr;
  for (const Instruction &next : *on) {
    if (const CallInst *see = as_see(next))
      return see;
    if (!isa<PHINode>(next))
      break;
  }
  for (const Instruction &previous : reverse(*asks)) {
    if (const CallInst *see = as_see(previous))
      return see;
    const auto *load = dyn_cast<LoadInst>(&previous);
    if (!previous.isTerminator() && !isa<CmpInst>(previous) && !(load && is_poll_word(*load->getPointerOperand())))
      break;
  }
  return nullptr;
}

class Observing {
public:
  Observing(Comparison &comparison, ArrayRef<ObservedPart> parts, const FunctionSource &source)
      : comparison_(comparison), parts_(parts), source_(source) {}

  void describe(const CallBase &site, const CallBase &seen_from, SourceSite &at) {
    const CallInst *see = see_at(seen_from);
    if (!see || at.lines.empty())
      return;
    const SmallVector<Value *, 16> state = frame_state_of(site);
    for (unsigned i = 1; i + 1 < see->arg_size(); i += 2) {
      const ObservedPart &part = parts_[cast<ConstantInt>(see->getArgOperand(i))->getZExtValue()];
      VariableAtSite observed;
      observed.line = std::uint32_t(at.lines.size() - 1);
      observed.place = VariableAtSite::Place::Value;
      observed.bit_offset = part.bit_offset;
      observed.bits = part.bits;
      observed.value = find(*see->getArgOperand(i + 1), state, site.getDataLayout());
      if (observed.value.kind == PointValue::Kind::Unknown || !find_variable(*part.variable, observed.variable))
        continue;
      at.observed.push_back(std::move(observed));
    }
  }

private:
  /// By what the table says of it: it is of another context.
  bool find_variable(const DILocalVariable &wanted, std::uint32_t &number) const {
    for (const auto &[index, variable] : enumerate(source_.variables))
      if (variable.name == wanted.getName() && variable.line == wanted.getLine() &&
          variable.is_parameter == (wanted.getArg() != 0)) {
        number = std::uint32_t(index);
        return true;
      }
    return false;
  }

  PointValue find(Value &seen, ArrayRef<Value *> state, const DataLayout &layout) {
    if (isa<UndefValue>(seen))
      return {};
    if (isa<Constant>(seen))
      return describe_value(seen, state, layout);
    PointValue found = find_in(state, seen, layout);
    if (found.kind != PointValue::Kind::Unknown)
      return found;
    const auto *sum = dyn_cast<BinaryOperator>(&seen);
    const auto *addend =
        sum && sum->getOpcode() == Instruction::Add ? dyn_cast<ConstantInt>(sum->getOperand(1)) : nullptr;
    if (!addend || addend->getBitWidth() > 64)
      return {};
    found = find_in(state, *sum->getOperand(0), layout);
    found.addend += addend->getSExtValue();
    return found;
  }

  PointValue find_in(ArrayRef<Value *> state, const Value &seen, const DataLayout &layout) {
    for (Value *value : state)
      if (print(*value->getType()) == print(*seen.getType()) && comparison_.are_equal(*value, seen))
        return describe_value(*value, state, layout);
    if (is_object_address(&seen))
      for (Value *value : state)
        if (is_object_frame(value) && comparison_.are_equal(*value, *frame_of_object(&seen))) {
          PointValue found = describe_value(*value, state, layout);
          found.addend = std::int64_t(offset_of_object(&seen));
          return found;
        }
    return {};
  }

  Comparison &comparison_;
  ArrayRef<ObservedPart> parts_;
  const FunctionSource &source_;
};

/// Objects that lie in memory, wherever they are used.
void add_objects(const Function &function, FunctionSource &source) {
  const std::vector<const CallBase *> sites = sites_of(function);
  for (const Instruction &instruction : instructions(function)) {
    const MDNode *node = is_object_address(&instruction) ? instruction.getMetadata(object_variable) : nullptr;
    const auto *variable = node ? cast<DILocalVariable>(node->getOperand(0)) : nullptr;
    for (std::size_t i = 0; variable && i != sites.size() && i != source.sites.size(); ++i) {
      const SmallVector<Value *, 16> state = frame_state_of(*sites[i]);
      const auto *frame = llvm::find(state, frame_of_object(&instruction));
      for (std::uint32_t number = 0; number != source.variables.size() && frame != state.end(); ++number) {
        const SourceVariable &known = source.variables[number];
        if (known.name != variable->getName() || known.line != variable->getLine() || source.sites[i].lines.empty())
          continue;
        VariableAtSite at;
        at.variable = number;
        at.line = std::uint32_t(source.sites[i].lines.size() - 1);
        at.place = VariableAtSite::Place::Memory;
        at.value.kind = PointValue::Kind::State;
        at.value.index = std::uint32_t(frame - state.begin());
        at.value.addend = std::int64_t(offset_of_object(&instruction));
        source.sites[i].observed.push_back(std::move(at));
      }
    }
  }
}

} // namespace

void add_observed(const Function &function, const Function &seeing, ArrayRef<std::vector<ObservedPart>> parts,
                  FunctionSource &source) {
  std::size_t own = 0;
  if (seeing.getFnAttribute(observed_attribute).getValueAsString().getAsInteger(10, own))
    return; // it has no variables, or none of which anything can be said
  const std::vector<const CallBase *> sites = sites_of(function), seen_from = sites_of(seeing);
  Comparison comparison(function, seeing);
  if (sites.size() != seen_from.size() || sites.size() != source.sites.size() || !comparison.go_the_same_ways())
    return;
  source.is_observed = true;
  add_objects(function, source);
  Observing observing(comparison, parts[own], source);
  for (std::size_t i = 0; i != sites.size(); ++i)
    observing.describe(*sites[i], *seen_from[i], source.sites[i]);
}

} // namespace osr
