#include "compiler/sites/observed_values.h"

#include "compiler/base/call_of.h"
#include "compiler/base/print.h"
#include "compiler/canonical/gates.h"
#include "compiler/canonical/objects.h"
#include "compiler/canonical/source_variables.h"
#include "compiler/sites/describe_points.h"
#include "compiler/sites/equal_values.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

/// The call that saw what the variables are when `site` is called. Null: none is surely of it.
const CallInst *see_at(const CallBase &site) {
  if (!is_loop_poll(site)) {
    std::uint64_t place = 0;
    if (site.getFnAttr(observed_place).getValueAsString().getAsInteger(10, place))
      return nullptr;
    for (const Instruction *at = site.getPrevNode(); at; at = at->getPrevNode())
      if (const CallInst *see = as_call_of(at, gate_see);
          see && cast<ConstantInt>(see->getArgOperand(0))->getZExtValue() == place)
        return see;
    return nullptr;
  }
  // Directly in front of a poll, or directly behind it.
  const BasicBlock *asks = site.getParent()->getSinglePredecessor(), *on = site.getParent()->getSingleSuccessor();
  if (!asks || !on)
    return nullptr;
  for (const Instruction &next : *on) {
    if (const CallInst *see = as_call_of(&next, gate_see))
      return see;
    if (!isa<PHINode>(next))
      break;
  }
  for (const Instruction &previous : reverse(*asks)) {
    if (const CallInst *see = as_call_of(&previous, gate_see))
      return see;
    const auto *load = dyn_cast<LoadInst>(&previous);
    if (!previous.isTerminator() && !isa<CmpInst>(previous) && !(load && is_poll_word(*load->getPointerOperand())))
      break;
  }
  return nullptr;
}

class Observing {
public:
  Observing(EqualValues &equal, ArrayRef<ObservedPart> parts, const FunctionSource &source)
      : equal_(equal), parts_(parts), source_(source) {}

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
      if (print(*value->getType()) == print(*seen.getType()) && equal_.are_equal(*value, seen))
        return describe_value(*value, state, layout);
    if (is_object_address(&seen))
      for (Value *value : state)
        if (is_object_frame(value) && equal_.are_equal(*value, *frame_of_object(&seen))) {
          PointValue found = describe_value(*value, state, layout);
          found.addend = std::int64_t(offset_of_object(&seen));
          return found;
        }
    return {};
  }

  EqualValues &equal_;
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

/// What was seen is shown, whatever LLVM's records say.
void show_observed(SourceSite &site) {
  for (const VariableAtSite &seen : site.observed) {
    if (seen.place != VariableAtSite::Place::Value)
      continue;
    const auto is_of = [&](const VariableAtSite &shown) {
      return shown.variable == seen.variable && shown.line == seen.line;
    };
    const auto first = find_if(site.variables, is_of);
    if (first == site.variables.end())
      continue; // not in scope
    const auto at = first - site.variables.begin();
    std::erase_if(site.variables, [&](const VariableAtSite &shown) {
      const bool is_beside =
          shown.bit_offset + shown.bits <= seen.bit_offset || seen.bit_offset + seen.bits <= shown.bit_offset;
      return is_of(shown) && (shown.place == VariableAtSite::Place::Nowhere || !is_beside);
    });
    site.variables.insert(site.variables.begin() + at, seen);
  }
}

} // namespace

void add_observed(const Function &function, const Function &seeing, ArrayRef<std::vector<ObservedPart>> parts,
                  FunctionSource &source) {
  std::size_t own = 0;
  if (seeing.getFnAttribute(observed_attribute).getValueAsString().getAsInteger(10, own))
    return; // it has no variables, or none of which anything can be said
  const std::vector<const CallBase *> sites = sites_of(function), seen_from = sites_of(seeing);
  EqualValues equal(function, seeing);
  if (sites.size() != seen_from.size() || sites.size() != source.sites.size() || !equal.go_the_same_ways())
    return;
  source.is_observed = true;
  add_objects(function, source);
  Observing observing(equal, parts[own], source);
  for (std::size_t i = 0; i != sites.size(); ++i)
    observing.describe(*sites[i], *seen_from[i], source.sites[i]);
  for (SourceSite &site : source.sites)
    show_observed(site);
}

} // namespace osr
