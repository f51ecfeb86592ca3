#include "compiler/tiers/baseline.h"

#include "compiler/base/check.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/landing_pads.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/tiers/fast_selection.h"
#include "compiler/tiers/lower_sites.h"
#include "osr-stubs/frame_words.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

/// Stack slots of the values that are live across sites.
class Slots {
public:
  explicit Slots(Function &function) : function_(function) {}

  void add(Value *value) {
    if (slots_.contains(value))
      return;
    IRBuilder<> builder(&function_.getEntryBlock(), function_.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    AllocaInst *slot = builder.CreateAlloca(value->getType(), nullptr, value->getName() + ".slot");
    slot->setAlignment(alignment(value->getType())); // frames are never realigned
    slots_[value] = slot;
  }

  AllocaInst *find(Value *value) const { return slots_.lookup(value); }

  /// Makes memory the home of every value. Sites end blocks, so within a block a value stays what it was: it is read once, and
  /// not at all where it comes from. What crosses from one block to another goes through memory.
  void demote() {
    if (slots_.empty())
      return;
    for (PHINode *phi : slotted_phis())
      split_critical_edges(*phi->getParent());
    for (auto &[value, slot] : slots_)
      if (!isa<PHINode>(value))
        store_definition(*value, *slot);
    for (BasicBlock &block : function_)
      read_slots(block);
    for (PHINode *phi : slotted_phis())
      phi->dropAllReferences();
    for (PHINode *phi : slotted_phis())
      phi->eraseFromParent();
  }

private:
  Align alignment(Type *type) const {
    return std::min(Align(call_alignment), function_.getDataLayout().getPrefTypeAlign(type));
  }

  void split_critical_edges(BasicBlock &block) {
    SmallSetVector<BasicBlock *, 8> predecessors_of(pred_begin(&block), pred_end(&block));
    for (BasicBlock *predecessor : predecessors_of) {
      Instruction *terminator = predecessor->getTerminator();
      for (unsigned i = 0; i < terminator->getNumSuccessors(); ++i)
        if (terminator->getSuccessor(i) == &block)
          SplitCriticalEdge(terminator, i, CriticalEdgeSplittingOptions().setMergeIdenticalEdges());
    }
  }

  SmallVector<PHINode *, 16> slotted_phis() const {
    SmallVector<PHINode *, 16> phis;
    for (const auto &[value, slot] : slots_)
      if (auto *phi = dyn_cast<PHINode>(value))
        phis.push_back(phi);
    return phis;
  }

  void store_definition(Value &value, AllocaInst &slot) {
    BasicBlock::iterator after;
    Value *stored = &value;
    if (auto *instruction = dyn_cast<Instruction>(&value)) {
      after = *instruction->getInsertionPointAfterDef();
    } else {
      after = std::next(last_slot()->getIterator());
      stored = freeze(value, after);
    }
    stores_.insert(new StoreInst(stored, &slot, false, slot.getAlign(), after));
  }

  /// Stored as it is, an argument on the stack would make instruction selection use its place as the slot.
  FreezeInst *freeze(Value &argument, BasicBlock::iterator at) {
    auto *frozen = new FreezeInst(&argument, "", at);
    stores_.insert(frozen);
    return frozen;
  }

  /// The last alloca of the entry block: arguments are stored behind all slots.
  Instruction *last_slot() const {
    Instruction *last = nullptr;
    for (Instruction &instruction : function_.getEntryBlock())
      if (isa<AllocaInst>(instruction))
        last = &instruction;
    return last;
  }

  /// What stands for a value with a slot at each point of a block, from its first instruction on.
  using InBlock = SmallDenseMap<Value *, Value *, 16>;

  Value *read(Value *value, Instruction &at, InBlock &known) const {
    AllocaInst *slot = find(value);
    if (!slot)
      return value;
    Value *&found = known[value];
    const bool is_load = !found || isa<LoadInst>(found);
    if (is_load &&
        isa<InsertElementInst>(at)) // volatile: a load for a splat may be widened to the whole vector, over the
      return new LoadInst(value->getType(), slot, "", /*isVolatile=*/true, slot->getAlign(),
                          at.getIterator()); // neighbours
    if (!found)
      found = new LoadInst(value->getType(), slot, "", /*isVolatile=*/false, slot->getAlign(), at.getIterator());
    return found;
  }

  void read_slots(BasicBlock &block) {
    InBlock known;
    if (block.isEntryBlock())
      for (Argument &argument : function_.args())
        known[&argument] = &argument;
    for (Instruction &instruction : block) {
      if (isa<PHINode>(instruction) || stores_.contains(&instruction))
        continue;
      for (Use &operand : instruction.operands())
        if (Value *value = read(operand.get(), instruction, known); value != operand.get())
          operand.set(value);
      if (isa<CallBase>(instruction) && !isa<IntrinsicInst>(instruction))
        known.clear(); // registers are lost, and memory is at hand
      if (find(&instruction))
        known[&instruction] = &instruction;
    }
    write_phis(block, known);
  }

  /// On each edge all incoming values are read before the first slot is written: phis change at once, also those that
  /// have no slot themselves.
  void write_phis(BasicBlock &block, InBlock &known) {
    Instruction &last = *block.getTerminator();
    SmallVector<std::pair<Value *, AllocaInst *>, 8> stores;
    const SmallSetVector<BasicBlock *, 4> successors_of(succ_begin(&block), succ_end(&block));
    for (BasicBlock *successor : successors_of)
      for (PHINode &phi : successor->phis()) {
        Value *incoming = read(phi.getIncomingValueForBlock(&block), last, known);
        if (AllocaInst *slot = find(&phi))
          stores.push_back({isa<Argument>(incoming) ? freeze(*incoming, last.getIterator()) : incoming, slot});
        else
          phi.setIncomingValueForBlock(&block, incoming);
      }
    for (auto [value, slot] : stores)
      new StoreInst(value, slot, false, slot->getAlign(), last.getIterator());
  }

  Function &function_;
  MapVector<Value *, AllocaInst *> slots_;
  SmallPtrSet<Instruction *, 32> stores_;
};

/// Object addresses are recomputed from the frame's base before each use: as values they would live across sites.
void recompute_object_addresses(Function &function) {
  SmallVector<CallInst *, 8> objects;
  for (Instruction &instruction : function.getEntryBlock())
    if (is_object_address(&instruction))
      objects.push_back(cast<CallInst>(&instruction));
  for (CallInst *object : objects) {
    SmallVector<Use *, 16> uses;
    for (Use &use : object->uses())
      uses.push_back(&use);
    DenseMap<Instruction *, Value *> recomputed; // a phi may name one predecessor several times
    for (Use *use : uses) {
      auto *at = cast<Instruction>(use->getUser());
      if (auto *phi = dyn_cast<PHINode>(at))
        at = phi->getIncomingBlock(*use)->getTerminator();
      Value *&address = recomputed[at];
      if (!address)
        address =
            IRBuilder<>(at).CreatePtrAdd(frame_of_object(object), IRBuilder<>(at).getInt64(offset_of_object(object)));
      use->set(address);
    }
    object->eraseFromParent();
  }
}

/// Each invoke gets a landing pad of its own. What a phi of a shared one takes would have to be stored before the invoke,
/// over a value that may still be wanted if the call returns.
void isolate_landing_pads(Function &function) {
  SmallVector<BasicBlock *, 8> pads = find_landing_pads(function);
  while (!pads.empty()) {
    BasicBlock *pad = pads.pop_back_val();
    if (pad->getSinglePredecessor()) {
      FoldSingleEntryPHINodes(pad);
      continue;
    }
    SmallVector<BasicBlock *, 2> split;
    SplitLandingPadPredecessors(pad, {*pred_begin(pad)}, ".one", ".others", split);
    append_range(pads, split);
  }
}

struct BaselineSite {
  CallBase *call;
  const Site *site;
  SmallVector<Value *, 8> values;
};

std::vector<BaselineSite> collect_sites(Function &function, const CanonicalProgram &program) {
  std::vector<BaselineSite> sites;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      auto *call = dyn_cast<CallBase>(&instruction);
      if (!call || !has_frame_state(*call))
        continue;
      FrameChain chain = cantFail(read_frame_chain(*call, program));
      OSR_CHECK(chain.size() == 1, "baseline code inlines nothing, chain of {}", chain.size());
      BaselineSite &site = sites.emplace_back(BaselineSite{call, chain[0].site, {}});
      for (const Use &value : chain[0].values)
        site.values.push_back(value.get());
    }
  return sites;
}

LoweredRecord emit_stack_map(BaselineSite &baseline, CallBase *call, const Slots &slots) {
  LoweredRecord record;
  LoweredFrame &frame = record.frames.emplace_back();
  frame.site = baseline.site->id;
  std::vector<Value *> operands;
  for (auto [value, state] : zip(baseline.values, baseline.site->state)) {
    LoweredValue &lowered = frame.values.emplace_back();
    lowered.kind = LoweredValue::Kind::InMemory;
    lowered.operand = operands.size();
    lowered.size = state.size;
    operands.push_back(slots.find(value));
  }
  Instruction *map = emit_stack_map_call(*call, baseline.site->id.index, operands);
  SplitBlock(map->getParent(), std::next(map->getIterator()));
  return record;
}

} // namespace

std::vector<LoweredRecord> lower_to_baseline(Function &function, const CanonicalProgram &program) {
  isolate_landing_pads(function);
  recompute_object_addresses(function);
  keep_from_fast_selection(function);
  std::vector<BaselineSite> sites = collect_sites(function, program);
  std::vector<LoweredRecord> records;
  Slots slots(function);

  // Strip the bundles first: from here on calls are replaced by calls without them, and they are no uses.
  DenseMap<Value *, Value *> stripped;
  for (BaselineSite &baseline : sites) {
    CallBase *old = baseline.call;
    baseline.call = strip_bundle(*old);
    stripped[old] = baseline.call;
  }
  for (BaselineSite &baseline : sites)
    for (Value *&value : baseline.values) {
      if (Value *renewed = stripped.lookup(value))
        value = renewed;
      slots.add(value);
    }

  // Stack maps go in before the stores, so the store of a result comes between its call and the map. Anchoring puts
  // the map in front of it; a store behind the map would be in another block, and the result in a spill slot meanwhile.
  std::vector<std::pair<std::uint32_t, LoweredRecord>> numbered;
  numbered.reserve(sites.size());
  for (BaselineSite &baseline : sites)
    numbered.emplace_back(baseline.site->id.index, emit_stack_map(baseline, baseline.call, slots));
  slots.demote();
  for (auto &[index, record] : numbered) {
    if (records.size() <= index)
      records.resize(index + 1);
    records[index] = std::move(record);
  }
  return records;
}

} // namespace osr
