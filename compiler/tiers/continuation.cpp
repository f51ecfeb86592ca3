#include "compiler/tiers/continuation.h"

#include "compiler/base/check.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/canonical/objects.h"
#include "compiler/tiers/peel_loops.h"
#include "osr-stubs/frame_words.h"
#include "osr-stubs/result_area.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Alignment.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/SSAUpdater.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint32_t buffer_alignment = call_alignment;

CallBase &find_site(Function &function, SiteId id) {
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      auto *call = dyn_cast<CallBase>(&instruction);
      auto bundle = call ? frame_state_bundle(*call) : std::nullopt;
      if (bundle && cast<ConstantInt>(bundle->Inputs[0])->getZExtValue() == id.packed())
        return *call;
    }
  OSR_CHECK(false, "function '{}' has no site {}", function.getName().str(), id.index);
  std::abort();
}

/// A second definition of `value` at the continuation's entry: each use now takes whichever definition reaches it.
void define_at_entry(Value &value, Value &entry_value, BasicBlock &entry) {
  auto *definition = dyn_cast<Instruction>(&value);
  OSR_CHECK(definition || isa<Argument>(value), "a frame state holds a constant");
  BasicBlock *defined_in = definition ? definition->getParent() : &entry.getParent()->getEntryBlock();
  SSAUpdater updater;
  updater.Initialize(value.getType(), value.getName());
  updater.AddAvailableValue(&entry, &entry_value);
  updater.AddAvailableValue(defined_in, &value);
  SmallVector<Use *, 16> uses;
  for (Use &use : value.uses())
    uses.push_back(&use);
  for (Use *use : uses) {
    auto *user = cast<Instruction>(use->getUser());
    bool same_block = user->getParent() == defined_in && !isa<PHINode>(user);
    if (!same_block) // in the defining block the definition comes first
      updater.RewriteUse(*use);
  }
}

/// Object addresses are recomputed from their frame. `frames` maps each live object frame to its value at the entry.
void redefine_objects(Function &continuation, IRBuilder<> &builder, BasicBlock &entry,
                      const DenseMap<Value *, Value *> &frames) {
  SmallVector<CallInst *, 8> objects;
  for (BasicBlock &block : continuation)
    for (Instruction &instruction : block)
      if (&block != &entry && is_object_address(&instruction))
        objects.push_back(cast<CallInst>(&instruction));
  for (CallInst *object : objects)
    if (Value *frame = frames.lookup(frame_of_object(object)))
      define_at_entry(*object, *recompute_object_address(*object, *frame, builder), entry);
}

Function &empty_continuation(Function &function) {
  Type *pointer = PointerType::get(function.getContext(), 0);
  auto *type = FunctionType::get(function.getReturnType(), {pointer}, false);
  auto *result =
      Function::Create(type, GlobalValue::ExternalLinkage, function.getAddressSpace(), "", function.getParent());
  AttributeList attributes = function.getAttributes();
  result->setAttributes(
      AttributeList::get(function.getContext(), attributes.getFnAttrs(), attributes.getRetAttrs(), {}));
  // What was inferred about the whole function does not hold for one that starts with a state buffer.
  for (Attribute::AttrKind kind : {Attribute::Memory, Attribute::Speculatable, Attribute::NoFree, Attribute::NoSync,
                                   Attribute::AllocSize, Attribute::AllocKind})
    result->removeFnAttr(kind);
  result->setCallingConv(CallingConv::C);
  result->addFnAttr(continues_attribute);
  if (function.hasPersonalityFn())
    result->setPersonalityFn(function.getPersonalityFn());
  result->setDSOLocal(true);
  result->setSubprogram(function.getSubprogram());
  function.setSubprogram(nullptr); // one has one function
  result->takeName(&function);
  return *result;
}

/// Where a result that is one integer, pointer or floating-point number stands in the result area.
std::optional<std::uint32_t> scalar_offset(const Type &type, const ResultRegisters &registers) {
  const bool in_general = type.isPointerTy() || (type.isIntegerTy() && type.getIntegerBitWidth() <= 64);
  if (in_general && registers.general && registers.vector_bytes == 0)
    return general_result_offset;
  if ((type.isFloatTy() || type.isDoubleTy()) && registers.vector_bytes != 0 && !registers.general)
    return vector_result_offset;
  return std::nullopt;
}

/// The call's result as the stub has left it: a scalar is loaded, everything else comes from a result pad.
Value *reload_result(IRBuilder<> &builder, CallBase &call, const Site &site, std::uint32_t area, Value &state) {
  if (const auto offset = scalar_offset(*call.getType(), site.result)) {
    Value *address = builder.CreateConstGEP1_32(builder.getInt8Ty(), &state, area + *offset);
    return builder.CreateAlignedLoad(call.getType(), address, Align(8), /*isVolatile=*/true);
  }
  Module &module = *call.getModule();
  Type *pointer = builder.getPtrTy();
  auto *type = FunctionType::get(call.getType(), {pointer, builder.getInt64Ty()}, false);
  FunctionCallee pad = module.getOrInsertFunction(result_pad(site.result).symbol, type);
  CallInst *result = builder.CreateCall(type, pad.getCallee(), {&state, builder.getInt64(area)});
  result->setAttributes(
      AttributeList::get(builder.getContext(), AttributeSet(), call.getAttributes().getRetAttrs(), {}));
  result->addFnAttr(Attribute::NoUnwind);
  return result;
}

SmallVector<Value *, 16> load_state(IRBuilder<> &builder, Value &buffer, ArrayRef<Value *> state, const Site &site,
                                    const StateBufferLayout &layout) {
  SmallVector<Value *, 16> loaded;
  for (auto [value, offset, described] : zip(state, layout.offsets, site.state)) {
    Value *address = builder.CreateConstGEP1_32(builder.getInt8Ty(), &buffer, offset);
    loaded.push_back(builder.CreateAlignedLoad(value->getType(), address, Align(described.align), /*isVolatile=*/true));
  }
  return loaded;
}

/// Code generation takes a `resume` that no landing pad of the function leads to for one that is never reached. But a
/// continuation may begin behind the landing pad.
void call_resumes(Function &continuation) {
  SmallVector<ResumeInst *, 4> resumes;
  for (BasicBlock &block : continuation)
    if (auto *resume = dyn_cast<ResumeInst>(block.getTerminator()))
      resumes.push_back(resume);
  for (ResumeInst *resume : resumes) {
    IRBuilder<> builder(resume);
    auto *type = FunctionType::get(builder.getVoidTy(), {builder.getPtrTy()}, false);
    FunctionCallee unwind = continuation.getParent()->getOrInsertFunction("_Unwind_Resume", type);
    builder.CreateCall(unwind, {builder.CreateExtractValue(resume->getValue(), 0)})->setDoesNotReturn();
    builder.CreateUnreachable();
    resume->eraseFromParent();
  }
}

/// A call that must be a tail call needs a caller of the same type, which a continuation is not. Where its arguments
/// fit into registers it still becomes one; elsewhere one frame stays below it.
void relax_tail_calls(Function &continuation) {
  for (BasicBlock &block : continuation)
    if (CallInst *tail = block.getTerminatingMustTailCall())
      tail->setTailCallKind(CallInst::TCK_Tail);
}

/// A block that control comes to behind the call only.
BasicBlock *block_behind(CallBase &call) {
  auto *invoke = dyn_cast<InvokeInst>(&call);
  if (!invoke)
    return SplitBlock(call.getParent(), call.getNextNode());
  BasicBlock *next = invoke->getNormalDest();
  BasicBlock *behind = BasicBlock::Create(call.getContext(), "osr.behind", call.getFunction(), next);
  BranchInst::Create(next, behind)->setDebugLoc(call.getDebugLoc());
  next->replacePhiUsesWith(call.getParent(), behind);
  invoke->setNormalDest(behind);
  return behind;
}

/// A block beside the call, another way to what is behind it. It takes the place of the call where control begins.
BasicBlock *make_entry_beside(CallBase &call, BasicBlock &behind) {
  BasicBlock *before = call.getParent();
  BasicBlock *calls = SplitBlock(before, &call);
  BasicBlock *entry = BasicBlock::Create(call.getContext(), "osr.entry", call.getFunction(), calls);
  BranchInst::Create(&behind, entry);
  before->getTerminator()->eraseFromParent();
  IRBuilder<> builder(before); // nobody may find out that this is never so
  builder.CreateCondBr(builder.CreateIsNull(call.getFunction()->getArg(0), "osr.begins"), entry, calls);
  return entry;
}

BasicBlock *entry_beside_call(Function &continuation) {
  for (User *user : continuation.getArg(0)->users())
    if (auto *begins = dyn_cast<ICmpInst>(user))
      return cast<BranchInst>(begins->user_back())->getSuccessor(0);
  OSR_CHECK(false, "'{}' is no continuation, or begins already", continuation.getName().str());
}

/// Control begins in the last one of these entries. The others become calls again.
void begin_in_last(ArrayRef<BasicBlock *> entries) {
  for (BasicBlock *entry : entries) {
    BasicBlock *before = entry->getSinglePredecessor();
    OSR_CHECK(before, "an entry of a continuation has not one predecessor");
    auto *branch = cast<BranchInst>(before->getTerminator());
    entry->removePredecessor(before);
    BranchInst::Create(branch->getSuccessor(1), branch->getIterator());
    Value *begins = branch->getCondition();
    branch->eraseFromParent();
    RecursivelyDeleteTriviallyDeadInstructions(begins);
  }
  Function &continuation = *entries.back()->getParent();
  entries.back()->moveBefore(&continuation.front());
  removeUnreachableBlocks(continuation);
}

} // namespace

StateBufferLayout state_buffer_layout(const Site &site) {
  StateBufferLayout layout;
  std::uint32_t offset = 0;
  for (const FrameStateValue &value : site.state) {
    offset = alignTo(offset, value.align);
    layout.offsets.push_back(offset);
    offset += value.size;
  }
  layout.result_area_offset = alignTo(offset, buffer_alignment);
  layout.size = alignTo(layout.result_area_offset + result_area_size(site.result), buffer_alignment);
  if (layout.size == 0)
    layout.size = buffer_alignment;
  return layout;
}

Function &make_continuation(Function &function, const Site &site) {
  Function &continuation = empty_continuation(function);
  CallBase &call = find_site(function, site.id);
  SmallVector<Value *, 16> state(drop_begin(frame_state_bundle(call)->Inputs));
  OSR_CHECK(state.size() == site.state.size(), "site {} has {} values, {} expected", site.id.index, state.size(),
            site.state.size());
  continuation.splice(continuation.begin(), &function);
  BasicBlock *entry = make_entry_beside(call, *block_behind(call));
  IRBuilder<> builder(entry->getTerminator());

  Argument &buffer = *continuation.getArg(0);
  buffer.setName("state");
  const StateBufferLayout layout = state_buffer_layout(site);
  const SmallVector<Value *, 16> loaded = load_state(builder, buffer, state, site, layout);
  Value *result = call.getType()->isVoidTy() || !site.result_used
                      ? nullptr
                      : reload_result(builder, call, site, layout.result_area_offset, buffer);
  Value *old_top = builder.CreateConstGEP1_32(builder.getInt8Ty(), &buffer, layout.size);
  builder.CreateCall(declare_object_operation(*continuation.getParent(), buffers_restore), {old_top});

  DenseMap<Value *, Value *> frames;
  for (auto [value, entry_value] : zip(state, loaded))
    if (is_object_frame(value))
      frames[value] = entry_value;
  redefine_objects(continuation, builder, *entry, frames);
  for (auto [value, entry_value] : zip(state, loaded))
    define_at_entry(*value, *entry_value, *entry);
  if (result)
    define_at_entry(call, *result, *entry);
  for (Argument &argument : function.args()) // not live at the entry
    argument.replaceAllUsesWith(PoisonValue::get(argument.getType()));
  function.eraseFromParent();
  return continuation;
}

void begin_at_entry(Function &continuation, LoopsAround loops) {
  BasicBlock *entry = entry_beside_call(continuation);
  begin_in_last(loops == LoopsAround::Peel ? peel_loops_around(*entry) : SmallVector<BasicBlock *, 4>{entry});
  call_resumes(continuation);
  relax_tail_calls(continuation);
}

} // namespace osr
