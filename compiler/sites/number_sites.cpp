#include "compiler/sites/number_sites.h"

#include "compiler/base/check.h"
#include "compiler/base/choice.h"
#include "compiler/base/print.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/canonical/objects.h"
#include "compiler/canonical/points.h"
#include "compiler/sites/describe_points.h"
#include "compiler/sites/exempt_calls.h"
#include "compiler/sites/liveness.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/references.h"
#include "compiler/sites/site_effects.h"
#include "compiler/target/registers.h"
#include "compiler/target/result_registers.h"
#include "osr-stubs/frame_words.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

FrameStateValue describe(const Value &value, const DataLayout &layout) {
  Type &type = *value.getType();
  FrameStateValue result;
  result.size = layout.getTypeStoreSize(&type).getFixedValue();
  result.align = std::min<std::uint64_t>(call_alignment, layout.getABITypeAlign(&type).value());
  result.type = print(type);
  if (const auto *pointer = dyn_cast<PointerType>(&type))
    result.address_space = pointer->getAddressSpace();
  result.name = value.hasName() ? value.getName().str() : std::string();
  return result;
}

/// Callees that make a site one of another kind than a call of the program.
constexpr Choice<SiteKind> special_callees[] = {{loop_poll_callee, SiteKind::LoopPoll},
                                                {guard_failed_callee, SiteKind::GuardExit}};

SiteKind kind_of(StringRef callee) {
  const SiteKind *special = find_meaning(callee, special_callees);
  return special ? *special : SiteKind::Call;
}

Site describe(CallBase &call, SiteId id, const TargetMachine &machine) {
  Site site;
  site.id = id;
  if (const Function *callee = call.getCalledFunction())
    site.callee = callee->getName().str();
  site.kind = kind_of(site.callee);
  site.result_type = print(*call.getType());
  site.result_used = !call.use_empty();
  if (auto registers = result_registers(call, machine))
    site.result = *registers;
  else
    site.refusal = SiteRefusal::ResultInMemory;
  return site;
}

/// For each value of a frame state: FrameStateValue::base. References that point into no object move with none.
std::vector<std::optional<std::uint32_t>> bases_in(ArrayRef<Value *> state, const ReferenceBases &bases,
                                                   ArrayRef<unsigned> spaces) {
  std::vector<std::optional<std::uint32_t>> found(state.size());
  for (auto [value, base] : zip(state, found))
    if (is_reference(*value->getType(), spaces))
      if (const auto *place = find(state, bases.base_of(*value)); place != state.end())
        base = std::uint32_t(place - state.begin());
  return found;
}

/// A callee that is inlined at a call without a frame state brings sites whose chains lack the frame of the caller.
void forbid_inlining(CallBase &call) {
  const Function *callee = call.getCalledFunction();
  if (call.isInlineAsm() || (callee && callee->isDeclaration()))
    return;
  call.removeFnAttr(Attribute::AlwaysInline);
  call.addFnAttr(Attribute::NoInline);
}

std::vector<CallBase *> find_sites(Function &function) {
  std::vector<CallBase *> sites;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction); call && is_site(*call))
      sites.push_back(call);
    else if (call)
      forbid_inlining(*call);
  return sites;
}

/// What has to be known of all sites before any of their calls is made anew.
struct SiteToBe {
  CallBase *call;
  std::vector<Value *> state;
  std::vector<std::optional<std::uint32_t>> bases; ///< in the state, of references
  std::optional<Point> point;
};

std::vector<SiteToBe> collect_sites(Function &function, ArrayRef<unsigned> reference_spaces) {
  const ReferenceBases bases(function, reference_spaces);
  std::vector<SiteToBe> sites;
  for (CallBase *call : find_sites(function))
    sites.push_back({call, {}, {}, std::nullopt});
  const auto base_of = [&](Value &value) { return bases.base_of(value); };
  const Liveness liveness(function, is_frame_state_value, base_of);
  for (SiteToBe &site : sites) {
    site.state = liveness.live_across(*site.call, point_values(*site.call));
    site.bases = bases_in(site.state, bases, reference_spaces);
  }
  for (SiteToBe &site : sites)
    site.point = describe_point(*site.call, site.state);
  return sites;
}

/// A call with a bundle is a new instruction.
CallBase *add_frame_state(CallBase &call, ArrayRef<Value *> operands) {
  CallBase *with_bundle =
      CallBase::addOperandBundle(&call, LLVMContext::OB_deopt, OperandBundleDef("deopt", operands), call.getIterator());
  with_bundle->takeName(&call);
  with_bundle->copyMetadata(call);
  with_bundle->addFnAttr(Attribute::NoMerge);
  read_all_memory(*with_bundle);
  call.replaceAllUsesWith(with_bundle);
  call.eraseFromParent();
  return with_bundle;
}

/// By what they were before they were made anew.
using Renewed = DenseMap<Value *, Value *>;

Site number_site(SiteToBe &to_be, SiteId id, const TargetMachine &machine, Renewed &renewed) {
  CallBase *call = drop_point(*to_be.call);
  const Function &function = *call->getFunction();
  Site site = describe(*call, id, machine);
  site.point = std::move(to_be.point);
  std::vector<Value *> operands{ConstantInt::get(Type::getInt64Ty(function.getContext()), site.id.packed())};
  for (Value *value : to_be.state) {
    Value *current = renewed.lookup(value) ? renewed.lookup(value) : value;
    operands.push_back(current);
    site.state.push_back(describe(*current, function.getDataLayout()));
    if (current->getType()->isAggregateType())
      site.refusal = SiteRefusal::LiveAggregate;
    if (is_in_configured_register(*current->getType()))
      site.refusal = SiteRefusal::LiveTile;
  }
  for (auto [described, base] : zip(site.state, to_be.bases))
    described.base = base;
  if (!site.is_replaceable())
    forbid_inlining(*call);
  renewed[to_be.call] = site.is_replaceable() ? add_frame_state(*call, operands) : call;
  return site;
}

} // namespace

void number_sites(Function &function, FunctionInfo &info, const TargetMachine &machine,
                  ArrayRef<unsigned> reference_spaces) {
  info.uses_references = uses_references(function, reference_spaces);
  std::vector<Site> &numbered = info.numbered_sites.emplace();
  if (info.pinned != PinReason::None) {
    drop_points(function);
    return;
  }
  Renewed renewed;
  std::vector<SiteToBe> sites = collect_sites(function, reference_spaces);
  for (auto [number, site] : enumerate(sites))
    numbered.push_back(number_site(site, {info.id, std::uint32_t(number)}, machine, renewed));
  drop_points(function); // of calls that are no sites
}

bool is_site(const CallBase &call) {
  if (isa<IntrinsicInst>(call) || call.isInlineAsm() || call.isMustTailCall() || call.doesNotReturn())
    return false;
  const auto *callee = dyn_cast<Function>(call.getCalledOperand()->stripPointerCasts());
  if (!callee)
    return true;
  if (callee->isIntrinsic()) // invoked
    return false;
  if (callee->getName().starts_with("osr."))
    return false; // object stack operations, which tiers lower to a few instructions
  return !(callee->isDeclaration() && is_exempt_callee(callee->getName()));
}

std::vector<const CallBase *> sites_of(const Function &function) {
  std::vector<const CallBase *> found;
  for (const Instruction &instruction : instructions(function))
    if (const auto *call = dyn_cast<CallBase>(&instruction); call && is_site(*call))
      found.push_back(call);
  return found;
}

bool is_frame_state_value(const Value &value) {
  Type *type = value.getType();
  if (!isa<Instruction>(value) && !isa<Argument>(value))
    return false;
  if (type->isVoidTy() || type->isTokenTy() || type->isMetadataTy() || type->isLabelTy())
    return false;
  return !is_object_address(&value);
}

FunctionId function_id(const Function &function) {
  FunctionId id = 0;
  bool failed = function.getFnAttribute("osr-function").getValueAsString().getAsInteger(10, id);
  OSR_CHECK(!failed, "function '{}' carries no function id", function.getName().str());
  return id;
}

} // namespace osr
