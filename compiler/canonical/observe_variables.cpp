#include "compiler/canonical/observe_variables.h"

#include "compiler/canonical/gates.h"
#include "compiler/canonical/source_variables.h"

#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

#include <map>

using namespace llvm;

namespace osr {
namespace {

/// The variables of one function that become values.
class Observing {
public:
  explicit Observing(Function &function) : function_(function), layout_(function.getDataLayout()) {}

  void add(AllocaInst &object, const DILocalVariable &variable) {
    if (const auto parts = parts_of(object))
      for (const ObjectPart &part : *parts) {
        first_part_.try_emplace(&object, unsigned(parts_.size()));
        parts_.push_back({&object, &variable, part, layout_.getTypeStoreSize(part.type).getFixedValue()});
      }
  }

  std::vector<ObservedPart> run() {
    std::vector<ObservedPart> observed;
    for (const Part &part : parts_)
      observed.push_back(
          {part.variable, part.part.offset * 8, layout_.getTypeSizeInBits(part.part.type).getFixedValue()});
    find_live();
    std::vector<std::pair<Instruction *, BitVector>> live; // before anything is inserted
    for (Instruction *place : find_places())
      live.push_back({place, live_at(*place)});
    unsigned number = 0;
    for (const auto &[place, parts] : live)
      observe(*place, parts, ++number);
    return observed;
  }

private:
  static bool is_call(const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    const Function *callee = call ? call->getCalledFunction() : nullptr;
    return call && !(callee && (callee->isIntrinsic() || is_gate_name(callee->getName())));
  }

  SmallVector<Instruction *, 32> find_places() {
    SmallVector<Instruction *, 32> places;
    DominatorTree dominators(function_);
    const LoopInfo loops(dominators);
    for (BasicBlock &block : function_) {
      if (loops.isLoopHeader(&block) && !block.isEHPad())
        places.push_back(&*block.getFirstInsertionPt());
      for (Instruction &instruction : block)
        if (is_call(instruction) && !is_contained(places, &instruction))
          places.push_back(&instruction);
      const bool ends_round = any_of(successors(&block), [&](const BasicBlock *next) {
        return loops.isLoopHeader(next) && loops.getLoopFor(next)->contains(&block);
      });
      if (ends_round && !is_contained(places, block.getTerminator()))
        places.push_back(block.getTerminator());
    }
    return places;
  }

  struct Part {
    AllocaInst *object;
    const DILocalVariable *variable;
    ObjectPart part;
    std::uint64_t size;
  };

  /// Calls `visit` for each part that shares bytes with an access, and says whether it covers the part.
  template <typename Visit> void for_parts(const Value &address, std::uint64_t size, Visit &&visit) const {
    APInt offset(layout_.getIndexTypeSizeInBits(address.getType()), 0);
    const auto *object = dyn_cast<AllocaInst>(address.stripAndAccumulateConstantOffsets(layout_, offset, true));
    const auto first = object ? first_part_.find(object) : first_part_.end();
    if (first == first_part_.end())
      return;
    const std::uint64_t begin = offset.getZExtValue(), end = begin + size;
    for (unsigned i = first->second; i != parts_.size() && parts_[i].object == object; ++i) {
      const std::uint64_t from = parts_[i].part.offset, to = from + parts_[i].size;
      if (from < end && begin < to)
        visit(i, begin <= from && to <= end);
    }
  }

  void write(const Value &address, std::uint64_t size, BitVector &live) const {
    for_parts(address, size, [&](unsigned part, bool all) {
      if (all)
        live.reset(part);
    });
  }
  void read(const Value &address, std::uint64_t size, BitVector &live) const {
    for_parts(address, size, [&](unsigned part, bool) { live.set(part); });
  }

  /// A value that was loaded from a variable which has it still: the variable is as needed as the value is.
  void use_loaded(const Instruction &user, BitVector &live) const {
    for (const Value *operand : user.operand_values()) {
      const auto *load = dyn_cast<LoadInst>(operand);
      if (!load || load->getParent() != user.getParent() || isa<PHINode>(user))
        continue;
      BitVector unchanged(unsigned(parts_.size()), true);
      for (const Instruction *at = load->getNextNode(); at != &user; at = at->getNextNode())
        if (at->mayWriteToMemory())
          forget_written(*at, unchanged);
      for_parts(*load->getPointerOperand(), layout_.getTypeStoreSize(load->getType()), [&](unsigned part, bool) {
        if (unchanged.test(part))
          live.set(part);
      });
    }
  }

  void forget_written(const Instruction &writer, BitVector &unchanged) const {
    const auto forget = [&](const Value &address, std::uint64_t size) {
      for_parts(address, size, [&](unsigned part, bool) { unchanged.reset(part); });
    };
    if (const auto *store = dyn_cast<StoreInst>(&writer))
      forget(*store->getPointerOperand(), layout_.getTypeStoreSize(store->getValueOperand()->getType()));
    else if (const auto *memory = dyn_cast<MemIntrinsic>(&writer))
      if (const auto *length = dyn_cast<ConstantInt>(memory->getLength()))
        forget(*memory->getRawDest(), length->getZExtValue());
  }

  void step_backward(const Instruction &instruction, BitVector &live) const {
    use_loaded(instruction, live);
    if (const auto *store = dyn_cast<StoreInst>(&instruction)) {
      write(*store->getPointerOperand(), layout_.getTypeStoreSize(store->getValueOperand()->getType()), live);
    } else if (const auto *load = dyn_cast<LoadInst>(&instruction)) {
      read(*load->getPointerOperand(), layout_.getTypeStoreSize(load->getType()), live);
    } else if (const auto *memory = dyn_cast<MemIntrinsic>(&instruction)) {
      const auto *length = dyn_cast<ConstantInt>(memory->getLength());
      if (!length)
        return;
      write(*memory->getRawDest(), length->getZExtValue(), live);
      if (const auto *transfer = dyn_cast<MemTransferInst>(memory))
        read(*transfer->getRawSource(), length->getZExtValue(), live);
    }
  }

  void find_live() {
    for (bool has_changed = true; has_changed;) {
      has_changed = false;
      for (BasicBlock &block : reverse(function_)) {
        BitVector live = live_out(block);
        for (const Instruction &instruction : reverse(block))
          step_backward(instruction, live);
        BitVector &known = live_in_[&block];
        if (known != live) {
          known = std::move(live);
          has_changed = true;
        }
      }
    }
  }

  BitVector live_out(const BasicBlock &block) const {
    BitVector live(unsigned(parts_.size()));
    for (const BasicBlock *next : successors(&block))
      if (const auto found = live_in_.find(next); found != live_in_.end())
        live |= found->second;
    return live;
  }

  BitVector live_at(const Instruction &place) const {
    BitVector live = live_out(*place.getParent());
    for (const Instruction *at = place.getParent()->getTerminator(); at != &place; at = at->getPrevNode())
      step_backward(*at, live);
    return live;
  }

  void observe(Instruction &place, const BitVector &live, unsigned number) {
    IRBuilder<> builder(&place);
    builder.SetCurrentDebugLocation(place.getDebugLoc());
    SmallVector<Value *, 16> operands{builder.getInt64(number)};
    for (unsigned i : live.set_bits()) {
      const Part &part = parts_[i];
      Value *address = part.object;
      if (part.part.offset)
        address = builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), address, part.part.offset);
      operands.append({builder.getInt32(i), builder.CreateLoad(part.part.type, address)});
    }
    builder.CreateCall(declare_place(*function_.getParent(), gate_see, MemoryEffects::inaccessibleMemOnly()), operands);
    if (auto *call = dyn_cast<CallBase>(&place))
      call->addFnAttr(Attribute::get(function_.getContext(), observed_place, std::to_string(number)));
  }

  Function &function_;
  const DataLayout &layout_;
  std::vector<Part> parts_;
  std::map<const AllocaInst *, unsigned> first_part_;
  DenseMap<const BasicBlock *, BitVector> live_in_;
};

} // namespace

std::vector<std::vector<ObservedPart>> observe_variables(Module &module) {
  std::map<Function *, Observing> functions;
  for (const auto &[object, variable] : find_source_objects(module)) {
    Function &function = *object->getFunction();
    functions.try_emplace(&function, function).first->second.add(*object, *variable);
  }
  std::vector<std::vector<ObservedPart>> observed;
  for (auto &[function, observing] : functions) {
    function->addFnAttr(observed_attribute, std::to_string(observed.size()));
    observed.push_back(observing.run());
  }
  return observed;
}

} // namespace osr
