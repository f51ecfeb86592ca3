#include "compiler/tiers/baseline.h"

#include "compiler/base/check.h"
#include "compiler/canonical/landing_pads.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/tiers/lower_sites.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
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

  /// Makes memory the home of every value. Phis first: their incoming values are uses like any other.
  void demote() {
    for (auto &[value, slot] : slots_)
      if (auto *phi = dyn_cast<PHINode>(value))
        split_critical_edges(*phi->getParent());
    SmallSetVector<BasicBlock *, 16> phi_blocks;
    for (auto &[value, slot] : slots_)
      if (auto *phi = dyn_cast<PHINode>(value))
        phi_blocks.insert(phi->getParent());
    for (BasicBlock *block : phi_blocks)
      store_phis(*block);
    for (auto &[value, slot] : slots_)
      if (!isa<PHINode>(value))
        store_definition(*value, *slot);
    for (auto &[value, slot] : slots_)
      load_at_uses(*value, *slot);
    for (auto &[value, slot] : slots_)
      if (auto *phi = dyn_cast<PHINode>(value))
        phi->eraseFromParent();
  }

private:
  Align alignment(Type *type) const { return std::min(Align(16), function_.getDataLayout().getPrefTypeAlign(type)); }

  void split_critical_edges(BasicBlock &block) {
    SmallSetVector<BasicBlock *, 8> predecessors_of(pred_begin(&block), pred_end(&block));
    for (BasicBlock *predecessor : predecessors_of) {
      Instruction *terminator = predecessor->getTerminator();
      for (unsigned i = 0; i < terminator->getNumSuccessors(); ++i)
        if (terminator->getSuccessor(i) == &block)
          SplitCriticalEdge(terminator, i, CriticalEdgeSplittingOptions().setMergeIdenticalEdges());
    }
  }

  /// On each edge all incoming values are read before the first slot is written: phis change at once, also those that
  /// have no slot themselves.
  void store_phis(BasicBlock &block) {
    SmallSetVector<BasicBlock *, 8> predecessors_of(pred_begin(&block), pred_end(&block));
    for (BasicBlock *predecessor : predecessors_of) {
      IRBuilder<> builder(predecessor->getTerminator());
      SmallVector<std::pair<Value *, AllocaInst *>, 8> stores;
      for (PHINode &phi : block.phis()) {
        Value *incoming = phi.getIncomingValueForBlock(predecessor);
        if (AllocaInst *from = find(incoming))
          incoming = builder.CreateAlignedLoad(incoming->getType(), from, from->getAlign());
        if (AllocaInst *slot = find(&phi))
          stores.push_back({incoming, slot});
        else
          phi.setIncomingValueForBlock(predecessor, incoming);
      }
      for (auto [value, slot] : stores)
        builder.CreateAlignedStore(value, slot, slot->getAlign());
    }
    for (PHINode &phi : block.phis())
      if (find(&phi))
        while (phi.getNumIncomingValues())
          phi.removeIncomingValue(0u, false);
  }

  void store_definition(Value &value, AllocaInst &slot) {
    BasicBlock::iterator after;
    Value *stored = &value;
    if (auto *instruction = dyn_cast<Instruction>(&value)) {
      after = *instruction->getInsertionPointAfterDef();
    } else {
      // Stored as it is, an argument on the stack would make instruction selection use its place as the slot.
      after = std::next(last_slot()->getIterator());
      auto *frozen = new FreezeInst(&value, "", after);
      stores_.insert(frozen);
      stored = frozen;
    }
    stores_.insert(new StoreInst(stored, &slot, false, slot.getAlign(), after));
  }

  /// The last alloca of the entry block: arguments are stored behind all slots.
  Instruction *last_slot() const {
    Instruction *last = nullptr;
    for (Instruction &instruction : function_.getEntryBlock())
      if (isa<AllocaInst>(instruction))
        last = &instruction;
    return last;
  }

  void load_at_uses(Value &value, AllocaInst &slot) {
    SmallVector<Use *, 16> uses;
    for (Use &use : value.uses())
      uses.push_back(&use);
    DenseMap<Instruction *, Value *> loaded; // one load serves all operands of one user
    for (Use *use : uses) {
      auto *user = cast<Instruction>(use->getUser());
      if (stores_.contains(user))
        continue;
      Instruction *at = user;
      if (auto *phi = dyn_cast<PHINode>(user))
        at = phi->getIncomingBlock(*use)->getTerminator();
      Value *&load = loaded[at];
      if (!load) // volatile: a load for a splat may be widened to the whole vector, over the neighbours in the frame
        load = new LoadInst(value.getType(), &slot, "", isa<InsertElementInst>(at), slot.getAlign(), at->getIterator());
      use->set(load);
    }
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
      if (!call || !call->getOperandBundle(LLVMContext::OB_deopt))
        continue;
      FrameChain chain = cantFail(read_frame_chain(*call, program));
      OSR_CHECK(chain.size() == 1, "baseline code inlines nothing, chain of {}", chain.size());
      sites.push_back({call, chain[0].site, {}});
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
  std::vector<BaselineSite> sites = collect_sites(function, program);
  std::vector<LoweredRecord> records;
  Slots slots(function);

  // Strip the bundles first: from here on calls are replaced by calls without them, and they are no uses.
  DenseMap<Value *, Value *> stripped;
  for (BaselineSite &baseline : sites) {
    FrameChain chain = cantFail(read_frame_chain(*baseline.call, program));
    for (const Use &value : chain[0].values)
      baseline.values.push_back(value.get());
  }
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
