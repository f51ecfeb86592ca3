#include "compiler/sites/source_table.h"

#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/sites/describe_points.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/variable_flow.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

/// A variable of one inlined copy of its function.
using Declared = std::pair<const DILocalVariable *, const DILocation *>;

/// An integer may hold the variable in its lower bits; a truth value is a byte of the program.
bool holds(const Value &value, std::uint64_t bits, const SourceType &type, const DataLayout &layout) {
  const std::uint64_t has = layout.getTypeSizeInBits(value.getType()).getFixedValue();
  return has == bits || (value.getType()->isIntegerTy() && has > bits) ||
         (has == 1 && type.kind == SourceType::Kind::Boolean);
}

std::uint16_t language_of(const DISubprogram &subprogram) {
  const DICompileUnit *unit = subprogram.getUnit();
  return unit && !unit->getSourceLanguage().hasVersionedName() ? unit->getSourceLanguage().getName()
                                                               : std::uint16_t(dwarf::DW_LANG_C);
}

unsigned depth_of(const DILocalScope &scope) {
  unsigned depth = 0;
  for (const DIScope *at = &scope; at && !isa<DISubprogram>(at); at = at->getScope())
    depth += isa<DILexicalBlock>(at);
  return depth;
}

class Describing {
public:
  Describing(Function &function, SourceTypes &types, const ModuleVariables &of_module)
      : function_(function), types_(types), of_module_(of_module) {}

  FunctionSource describe() {
    result_.fingerprint = fingerprint(function_);
    if (!function_.getSubprogram())
      return std::move(result_);
    result_.language = language_of(*function_.getSubprogram());
    note_declared();
    VariableFlow(function_).for_each([&](Instruction &instruction, const VariablePlaces &places) {
      if (auto *call = dyn_cast<CallBase>(&instruction); call && is_site(*call))
        describe(*call, places);
    });
    return std::move(result_);
  }

private:
  void note_declared() {
    for (Instruction &instruction : instructions(function_))
      for (const DbgVariableRecord &record : filterDbgVars(instruction.getDbgRecordRange()))
        declared_.insert({record.getVariable(), record.getDebugLoc().getInlinedAt()});
  }

  void describe(CallBase &call, const VariablePlaces &places) {
    SourceSite &site = result_.sites.emplace_back();
    const SmallVector<Value *, 16> state = frame_state_of(call);
    for (const DILocation *at = location_of_site(call); at; at = at->getInlinedAt()) {
      const DISubprogram *subprogram = at->getScope()->getSubprogram();
      site.lines.push_back({subprogram->getName().str(), at->getFilename().str(), at->getLine(),
                            at->getDirectory().str(), subprogram->getLinkageName().str()});
      for (const DILocalVariable *variable : in_scope(*at))
        add(site, {variable, at->getInlinedAt()}, places, call, state);
      add_statics(site, *at, call);
    }
  }

  /// Parameters first, then as they were declared.
  SmallVector<const DILocalVariable *, 16> in_scope(const DILocation &at) const {
    SmallVector<const DILocalVariable *, 16> found;
    for (const auto &[variable, inlined_at] : declared_)
      if (inlined_at == at.getInlinedAt() && encloses(variable->getScope(), at.getScope()))
        found.push_back(variable);
    for (const DINode *node : at.getScope()->getSubprogram()->getRetainedNodes())
      if (const auto *variable = dyn_cast_or_null<DILocalVariable>(node);
          variable && encloses(variable->getScope(), at.getScope()) && !is_contained(found, variable))
        found.push_back(variable);
    const auto order = [](const DILocalVariable *variable) {
      return std::tuple(variable->getArg() == 0, variable->getArg(), variable->getLine(), variable->getName());
    };
    std::ranges::stable_sort(found, {}, order);
    return found;
  }

  void add(SourceSite &site, const Declared &declared, const VariablePlaces &places, CallBase &call,
           ArrayRef<Value *> state) {
    const std::uint32_t variable = number_of(*declared.first);
    const SourceType &type = types_[result_.variables[variable].type];
    const std::size_t before = site.variables.size();
    VariableAtSite nowhere;
    nowhere.variable = variable;
    nowhere.line = std::uint32_t(site.lines.size() - 1);
    for (const auto &[known, place] : places) {
      if (known.getVariable() != declared.first || known.getInlinedAt() != declared.second)
        continue;
      VariableAtSite at = nowhere;
      at.bits = type.bits;
      if (const auto part = known.getFragment()) {
        at.bit_offset = part->OffsetInBits;
        at.bits = part->SizeInBits;
      }
      if (place.kind == VariablePlace::Kind::Value && of_module_.reassigned.contains(declared.first))
        continue; // add_observed() may know it
      if (find_value(place, at, type, call, state))
        site.variables.push_back(std::move(at));
    }
    if (site.variables.size() == before)
      site.variables.push_back(nowhere);
  }

  /// Those of the function that are in scope.
  void add_statics(SourceSite &site, const DILocation &at, const CallBase &call) {
    const auto found = of_module_.statics.find(at.getScope()->getSubprogram());
    if (found == of_module_.statics.end())
      return;
    for (const auto &[declared, variable] : found->second) {
      if (!encloses(cast<DILocalScope>(declared->getScope()), at.getScope()))
        continue;
      VariableAtSite &shown = site.variables.emplace_back();
      shown.variable = number_of(*declared);
      shown.line = std::uint32_t(site.lines.size() - 1);
      if (!variable)
        continue;
      shown.place = VariableAtSite::Place::Memory;
      shown.bits = types_[result_.variables[shown.variable].type].bits;
      shown.value = describe_value(*variable, {}, call.getDataLayout());
      shown.value.type.clear();
    }
  }

  /// False: it is nowhere.
  static bool find_value(const VariablePlace &place, VariableAtSite &at, const SourceType &type, CallBase &call,
                         ArrayRef<Value *> state) {
    if (place.kind == VariablePlace::Kind::Nowhere || place.value == &call)
      return false;
    const bool is_value = place.kind == VariablePlace::Kind::Value;
    if (is_value && !holds(*place.value, at.bits, type, call.getDataLayout()))
      return false;
    at.value = describe_value(*place.value, state, call.getDataLayout());
    at.value.type.clear();
    at.value.addend += place.addend;
    at.place = is_value ? VariableAtSite::Place::Value : VariableAtSite::Place::Memory;
    return at.value.kind != PointValue::Kind::Unknown;
  }

  std::uint32_t number_of(const DIVariable &variable) {
    const auto [found, is_new] = numbers_.try_emplace(&variable, std::uint32_t(result_.variables.size()));
    const auto *local = dyn_cast<DILocalVariable>(&variable);
    if (is_new)
      result_.variables.push_back({variable.getName().str(), types_.add(variable.getType()),
                                   local && local->getArg() != 0, unsigned(variable.getLine()),
                                   depth_of(*cast<DILocalScope>(variable.getScope()))});
    return found->second;
  }

  Function &function_;
  SourceTypes &types_;
  FunctionSource result_;
  SetVector<Declared> declared_; ///< all that is told about
  const ModuleVariables &of_module_;
  DenseMap<const DIVariable *, std::uint32_t> numbers_;
};

/// In the same inlined copy of it, too. Where two calls on different lines became one, the optimiser says which function they were in, and no line.
bool is_same_function(const DILocation &one, const DILocation &other) {
  return one.getScope()->getSubprogram() == other.getScope()->getSubprogram() &&
         one.getInlinedAt() == other.getInlinedAt();
}

bool has_line(const Instruction &instruction) {
  return instruction.getDebugLoc() && instruction.getDebugLoc().getLine() != 0;
}

} // namespace

bool encloses(const DILocalScope *outer, const DILocalScope *inner) {
  outer = outer->getNonLexicalBlockFileScope();
  for (const DIScope *scope = inner; isa_and_nonnull<DILocalScope>(scope); scope = scope->getScope()) {
    if (cast<DILocalScope>(scope)->getNonLexicalBlockFileScope() == outer)
      return true;
    if (isa<DISubprogram>(scope))
      return false;
  }
  return false;
}

FunctionSource describe_source(Function &function, SourceTypes &types, const ModuleVariables &of_module) {
  return Describing(function, types, of_module).describe();
}

SmallVector<Value *, 16> frame_state_of(const CallBase &call) {
  const auto bundle = frame_state_bundle(call);
  return bundle ? SmallVector<Value *, 16>(drop_begin(bundle->Inputs)) : SmallVector<Value *, 16>();
}

const DILocation *location_of_site(const CallBase &call) {
  const DILocation *own = call.getDebugLoc().get();
  if (has_line(call))
    return own;
  const bool is_anywhere = !own || is_loop_poll(call); // nobody wrote the call
  const auto is_beside = [&](const Instruction &other) {
    return has_line(other) && (is_anywhere || is_same_function(*own, *other.getDebugLoc()));
  };
  const BasicBlock &block = *call.getParent();
  for (const Instruction &next : make_range(std::next(call.getIterator()), block.end()))
    if (is_beside(next))
      return next.getDebugLoc().get();
  for (const Instruction &previous : reverse(make_range(block.begin(), call.getIterator())))
    if (is_beside(previous))
      return previous.getDebugLoc().get();
  return own;
}

} // namespace osr
