#include "compiler/tiers/lower_sites.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/landing_pads.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/sites/references.h"
#include "compiler/sites/site_effects.h"
#include "compiler/tiers/assumptions.h"
#include "compiler/tiers/code_needs.h"
#include "compiler/tiers/recipe.h"
#include "compiler/tiers/spill_slots.h"
#include "compiler/tiers/tail_calls.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/ValueHandle.h>

using namespace llvm;

namespace osr {
namespace {

/// The optimiser may replace a library call by a related one (strchr by strlen); its result is then another value
/// than the one that canonical code expects in the return registers.
bool result_changed(const CallBase &call, const Site &site) {
  return site.result_used && print(*call.getType()) != site.result_type;
}

/// A collector that stands there while the call runs would not find what is live behind it.
Error check_hidden_references(const CallBase &call, const FrameChain &chain, const CanonicalProgram &program) {
  if (call.doesNotReturn() && !isa<InvokeInst>(call))
    return Error::success();
  for (const FrameInChain &frame : chain)
    if (const FunctionInfo &info = program.functions[frame.site->id.function]; info.uses_references)
      return make_error("'{}' handles references, and its site {} has no record in this code", info.name,
                        frame.site->id.index);
  return Error::success();
}

/// Lowers the frame states of one function.
class SiteLowering {
public:
  SiteLowering(Function &function, const CanonicalProgram &program, const ForcedForms &forced)
      : function_(function), program_(program), forced_(forced), needs_(function), slots_(function) {}

  Error lower(CallBase &call, std::uint32_t number, SiteForm form, LoweredRecord &record);

  /// After the last record.
  void store_slots() { slots_.store_all(); }

  /// See LoweredSites::operands.
  std::vector<std::vector<std::uint32_t>> numbered_operands(std::size_t records) const;

private:
  struct Operands {
    std::uint32_t record = 0;
    SiteForm form = SiteForm::StackMap;
    std::vector<Value *> values;
    std::vector<WeakTrackingVH> leaves; ///< parallel to values: what they stand for
    DenseMap<const Value *, std::uint32_t> index;
    SmallPtrSet<const Value *, 32> state; ///< all that the record describes
  };

  LoweredValue lower_value(Value &value, std::uint32_t size, CallBase &call, Operands &operands);
  bool is_needed(const Value &value, const CallBase &call);
  bool needs_slot(const Value &leaf, const CallBase &call, const Operands &operands);
  Value *widened(Value &value, CallBase &call);
  bool is_plain(const Type &type) const;

  Function &function_;
  const CanonicalProgram &program_;
  const ForcedForms &forced_;
  CodeNeeds needs_;
  SpillSlots slots_;
  // Calls are replaced by calls without frame states on the way: handles follow them.
  std::map<std::uint32_t, std::vector<WeakTrackingVH>> leaves_; ///< by record
};

/// Types whose values stack map operands can carry in registers and spill slots.
bool SiteLowering::is_plain(const Type &type) const {
  if (type.isPointerTy())
    return type.getPointerAddressSpace() == 0;
  return (type.isIntegerTy() && type.getIntegerBitWidth() <= 64) || type.isFloatTy() || type.isDoubleTy();
}

/// Integers of odd width are recorded as the bytes that a store of them writes.
Value *SiteLowering::widened(Value &value, CallBase &call) {
  Type *type = value.getType();
  if (!type->isIntegerTy())
    return &value;
  unsigned bits = type->getIntegerBitWidth();
  unsigned whole = std::max<unsigned>(8, PowerOf2Ceil(bits));
  if (bits == whole)
    return &value;
  return IRBuilder<>(&call).CreateZExt(&value, IntegerType::get(function_.getContext(), whole));
}

/// The code has it somewhere behind the call, or can tell it at no cost.
bool SiteLowering::is_needed(const Value &value, const CallBase &call) {
  return isa<Constant>(value) || isa<AllocaInst>(value) || needs_.has_use_behind(value, call);
}

/// What only records want would take a register across the call, or be stored and loaded around it by a code generator that
/// does not know so. A reference stays where a collector finds it.
bool SiteLowering::needs_slot(const Value &leaf, const CallBase &call, const Operands &operands) {
  auto known = operands.index.find(&leaf);
  std::uint32_t place = known == operands.index.end() ? operands.values.size() : known->second;
  return !is_plain(*leaf.getType()) || operands.form != SiteForm::StackMap ||
         forced_.in_slots.contains({operands.record, place}) ||
         (!is_reference(*leaf.getType(), program_.reference_spaces) && !is_needed(leaf, call));
}

LoweredValue SiteLowering::lower_value(Value &value, std::uint32_t size, CallBase &call, Operands &operands) {
  const bool is_kept = is_needed(value, call);
  const auto is_recorded = [&](const Value &candidate) {
    return operands.state.contains(&candidate) || operands.index.contains(&candidate) ||
           (!is_kept && is_needed(candidate, call));
  };
  Derivation derivation;
  if (is_reference(*value.getType(), program_.reference_spaces) && !isa<Constant>(value))
    derivation.leaf = &value; // a collector changes it where it is
  else
    derivation = derive(value, function_.getDataLayout(), is_recorded);
  LoweredValue lowered = std::move(derivation.lowered);
  lowered.size = size;
  if (!derivation.leaf)
    return lowered;
  Value *leaf = derivation.leaf;
  Value *operand = leaf;
  if (needs_slot(*leaf, call, operands)) {
    lowered.kind = LoweredValue::Kind::InMemory;
    operand = &slots_.slot_of(*leaf, call);
  } else {
    lowered.kind = LoweredValue::Kind::Operand;
    operand = widened(*leaf, call);
  }
  auto [found, inserted] = operands.index.try_emplace(leaf, operands.values.size());
  if (inserted) {
    operands.values.push_back(operand);
    operands.leaves.push_back(leaf);
  }
  lowered.operand = found->second;
  return lowered;
}

Error SiteLowering::lower(CallBase &call, std::uint32_t number, SiteForm form, LoweredRecord &record) {
  Expected<FrameChain> chain = read_frame_chain(call, program_);
  if (!chain)
    return make_error("in function '{}': {}", function_.getName().str(), toString(chain.takeError()));

  Operands operands;
  operands.record = number;
  operands.form = form;
  for (const FrameInChain &frame : *chain)
    for (const auto &value : frame.values)
      operands.state.insert(value.get());
  for (const FrameInChain &frame : *chain) {
    LoweredFrame &lowered = record.frames.emplace_back();
    lowered.site = frame.site->id;
    for (auto [value, state] : zip(frame.values, frame.site->state))
      lowered.values.push_back(lower_value(*value.get(), state.size, call, operands));
  }
  leaves_[number] = std::move(operands.leaves);
  emit_stack_map_call(*strip_bundle(call), number, operands.values);
  return Error::success();
}

std::vector<std::vector<std::uint32_t>> SiteLowering::numbered_operands(std::size_t records) const {
  std::vector<std::vector<std::uint32_t>> result(records);
  DenseMap<const Value *, std::uint32_t> numbers;
  for (const auto &[record, leaves] : leaves_)
    for (const WeakTrackingVH &leaf : leaves)
      result[record].push_back(numbers.try_emplace(leaf, numbers.size()).first->second);
  return result;
}

SiteForm form_of(CallBase &call, const FrameChain &chain, bool is_hidden) {
  if (is_hidden || call.doesNotReturn() || result_changed(call, *chain.back().site) ||
      !begins_with_own_frame(chain, *call.getFunction()))
    return SiteForm::Refused;
  return is_tail_position(call) ? SiteForm::TailCall : SiteForm::StackMap;
}

void mark(CallBase &call, std::uint32_t number) {
  LLVMContext &context = call.getContext();
  auto *id = ConstantAsMetadata::get(ConstantInt::get(Type::getInt32Ty(context), number));
  call.setMetadata(record_mark, MDNode::get(context, id));
}

} // namespace

CallBase *strip_bundle(CallBase &call) {
  CallBase *bare = drop_frame_state(call);
  if (auto *plain = dyn_cast<CallInst>(bare))
    plain->setTailCallKind(CallInst::TCK_NoTail);
  return bare;
}

Instruction *emit_stack_map_call(CallBase &call, std::uint32_t number, ArrayRef<Value *> operands) {
  mark(call, number);
  const BasicBlock::iterator behind = *call.getInsertionPointAfterDef();
  OSR_CHECK(behind->getParent() == call.getParent() || behind->getParent()->getSinglePredecessor(),
            "site {} is invoked, and others come to where it returns", number);
  IRBuilder<> builder(behind->getParent(), behind);
  std::vector<Value *> arguments{builder.getInt64(number), builder.getInt32(0)};
  arguments.insert(arguments.end(), operands.begin(), operands.end());
  return builder.CreateIntrinsic(Intrinsic::experimental_stackmap, {}, arguments);
}

std::vector<OperandId> LoweredSites::operands_like(OperandId operand) const {
  std::uint32_t value = operands[operand.first][operand.second];
  std::vector<OperandId> found;
  for (std::uint32_t record = 0; record < operands.size(); ++record)
    for (std::uint32_t place = 0; place < operands[record].size(); ++place)
      if (operands[record][place] == value)
        found.push_back({record, place});
  return found;
}

Expected<LoweredSites> lower_sites(Function &function, const CanonicalProgram &program, const ForcedForms &forced) {
  isolate_normal_destinations(function); // optimisation has merged some
  separate_tail_calls(function);
  const SmallVector<CallBase *, 16> calls = calls_with_frame_state(function);

  LoweredSites result;
  SiteLowering lowering(function, program, forced);
  for (std::uint32_t number = 0; number < calls.size(); ++number) {
    CallBase &call = *calls[number];
    if (std::string reason = what_hides_memory(call); !reason.empty())
      result.hidden.emplace(number, std::move(reason));
    Expected<FrameChain> chain = read_frame_chain(call, program);
    if (!chain)
      return make_error("in function '{}': {}", function.getName().str(), toString(chain.takeError()));
    const auto forced_form = forced.sites.find(number);
    const SiteForm form =
        forced_form != forced.sites.end() ? forced_form->second : form_of(call, *chain, result.hidden.contains(number));
    const Site &innermost = *chain->back().site;
    if ((form == SiteForm::Refused || form == SiteForm::TailCall) && is_guard_site(innermost))
      result.refused_exits.push_back(innermost.id);
    result.forms.push_back(form);
    LoweredRecord &record = result.records.emplace_back();
    if (form == SiteForm::TailCall)
      mark(*drop_frame_state(call), number);
    else if (form == SiteForm::Refused) {
      if (Error error = check_hidden_references(call, *chain, program))
        return error;
      strip_bundle(call);
    } else if (Error error = lowering.lower(call, number, form, record))
      return error;
  }
  lowering.store_slots();
  result.operands = lowering.numbered_operands(result.records.size());
  return result;
}

} // namespace osr
