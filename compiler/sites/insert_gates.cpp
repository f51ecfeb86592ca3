// The first step of variable_gates.h: in the function as a front end wrote it.
#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/canonical/gates.h"
#include "compiler/canonical/objects.h"
#include "compiler/canonical/source_variables.h"
#include "compiler/sites/liveness.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/source_table.h"
#include "compiler/sites/variable_gates.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_gates = 50000;

struct Place {
  CallInst *point = nullptr;
  CallBase *site = nullptr; ///< null: of a loop
};

class Inserter {
public:
  Inserter(Function &function) : function_(function), layout_(function.getDataLayout()) {}

  Expected<Gates> run() {
    if (Error error = check())
      return error;
    removeUnreachableBlocks(function_);
    find_places();
    demote_values();
    classify_objects();
    if (places_.size() * std::max<std::size_t>(parts_.size(), 1) > most_gates)
      return make_error("it has too many calls and variables");
    for (const Place &place : places_)
      put_gates(*place.point);
    return std::move(gates_);
  }

private:
  Error check() {
    if (const std::string problem = why_not_as_written(function_); !problem.empty())
      return make_error("{}", problem);
    for (Instruction &instruction : instructions(function_)) {
      if (const auto *object = dyn_cast<AllocaInst>(&instruction); object && !object->isStaticAlloca())
        return make_error("it has objects of variable size");
      if (isa<IndirectBrInst, CallBrInst>(instruction))
        return make_error("it jumps to addresses");
    }
    return Error::success();
  }

  CallInst *make_point(Instruction &before, const DILocation *at) {
    IRBuilder<> builder(&before);
    FunctionCallee callee = declare_place(*function_.getParent(), gate_point, MemoryEffects::unknown());
    CallInst *point = builder.CreateCall(callee, {builder.getInt64(gates_.points.size())});
    point->setDebugLoc(before.getDebugLoc());
    gates_.points.emplace_back().at = at;
    return point;
  }

  /// In front of each site, and at the end of each round of a loop, where polls come.
  void find_places() {
    DominatorTree dominators(function_);
    LoopInfo loops(dominators);
    for (Loop *loop : loops.getLoopsInPreorder()) {
      BasicBlock *header = loop->getHeader();
      if (header->isEHPad())
        continue;
      SmallVector<BasicBlock *, 8> latches;
      loop->getLoopLatches(latches);
      BasicBlock *latch = latches.front();
      if (latches.size() > 1 || latch->getTerminator()->getNumSuccessors() > 1)
        latch = SplitBlockPredecessors(header, latches, ".round", &dominators, &loops);
      if (!latch)
        continue;
      Instruction &before = *latch->getTerminator();
      places_.push_back({make_point(before, before.getDebugLoc().get()), nullptr});
    }
    SmallVector<CallBase *, 32> sites;
    for (Instruction &instruction : instructions(function_))
      if (auto *call = dyn_cast<CallBase>(&instruction); call && is_site(*call))
        sites.push_back(call);
    for (CallBase *site : sites) {
      places_.push_back({make_point(*site, location_of_site(*site)), site});
      gates_.points.back().called = called_name(*site);
    }
  }

  /// What is no variable, and needed behind a site, gets a place of its own.
  void demote_values() {
    const auto tracked = [](const Value &value) {
      if (const auto *argument = dyn_cast<Argument>(&value))
        return !argument->hasPassPointeeByValueCopyAttr() && !argument->hasStructRetAttr();
      return isa<Instruction>(value) && !isa<AllocaInst>(value) && !value.getType()->isVoidTy() &&
             !value.getType()->isTokenTy();
    };
    const auto itself = [](Value &value) { return &value; };
    const Liveness liveness(function_, tracked, itself);
    SetVector<Value *> wanted;
    std::vector<std::tuple<unsigned, Value *, AllocaInst *>> copies;
    for (const auto &[number, place] : enumerate(places_))
      for (Value *value : liveness.live_across(place.site ? *place.site : *place.point)) {
        wanted.insert(value);
        if (AllocaInst *variable = copied_variable(*value, *place.point))
          copies.push_back({unsigned(number), value, variable});
      }
    std::map<Value *, AllocaInst *> homes;
    for (Value *value : wanted)
      homes[value] = demote(*value);
    for (const auto &[place, value, variable] : copies)
      if (AllocaInst *home = homes[value])
        copies_.push_back({places_[place].point, home, variable});
  }

  /// The variable that it was loaded from, and that still has that value at the point.
  static AllocaInst *copied_variable(Value &value, const CallInst &point) {
    auto *load = dyn_cast<LoadInst>(&value);
    auto *variable =
        load && load->getParent() == point.getParent() ? dyn_cast<AllocaInst>(load->getPointerOperand()) : nullptr;
    if (!variable || load->getType() != variable->getAllocatedType() || !is_one_value(*variable) ||
        !load->comesBefore(&point))
      return nullptr;
    for (const Instruction *between = load->getNextNode(); between != &point; between = between->getNextNode())
      if (between->mayWriteToMemory() && is_contained(between->operand_values(), variable))
        return nullptr;
    return variable;
  }

  AllocaInst *demote(Value &value) {
    if (auto *phi = dyn_cast<PHINode>(&value))
      return DemotePHIToStack(phi);
    if (auto *instruction = dyn_cast<Instruction>(&value))
      return DemoteRegToStack(*instruction);
    auto &argument = cast<Argument>(value);
    IRBuilder<> builder(&*function_.getEntryBlock().getFirstInsertionPt());
    AllocaInst *home = builder.CreateAlloca(argument.getType());
    for (Use &use : make_early_inc_range(argument.uses())) {
      auto *user = cast<Instruction>(use.getUser());
      auto *phi = dyn_cast<PHINode>(user);
      builder.SetInsertPoint(phi ? phi->getIncomingBlock(use)->getTerminator() : user);
      use.set(builder.CreateLoad(argument.getType(), home));
    }
    builder.SetInsertPoint(function_.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    builder.CreateStore(&argument, home);
    return home;
  }

  void classify_objects() {
    std::map<AllocaInst *, unsigned> numbers;
    for (Instruction &instruction : instructions(function_)) {
      auto *object = dyn_cast<AllocaInst>(&instruction);
      if (!object)
        continue;
      const DILocalVariable *variable = variable_of(*object);
      const auto parts = parts_of(*object);
      if (!parts) {
        objects_.push_back({object, unsigned(gates_.variables.size())});
        gates_.variables.push_back({variable, 0, 0, /*is_object=*/true});
        continue;
      }
      drop_lifetimes(*object);
      numbers[object] = unsigned(gates_.variables.size());
      for (const ObjectPart &part : *parts) {
        parts_.push_back({object, part, unsigned(gates_.variables.size())});
        gates_.variables.push_back(
            {variable, part.offset * 8, layout_.getTypeSizeInBits(part.type).getFixedValue(), false});
      }
    }
    for (const auto &[point, home, variable] : copies_)
      if (numbers.contains(home) && numbers.contains(variable)) {
        const auto token = cast<ConstantInt>(point->getArgOperand(0))->getZExtValue();
        gates_.points[token].copies[numbers[home]] = numbers[variable];
      }
  }

  /// It is read and written at gates, in or out of its scope.
  static void drop_lifetimes(AllocaInst &object) {
    for (User *user : make_early_inc_range(object.users()))
      if (auto *instruction = cast<Instruction>(user); instruction->isLifetimeStartOrEnd())
        instruction->eraseFromParent();
  }

  void put_gates(CallInst &point) {
    IRBuilder<> builder(&point);
    builder.SetCurrentDebugLocation(point.getDebugLoc());
    Value *token = point.getArgOperand(0);
    for (const auto &[object, part, number] : parts_) {
      Value *address = part.offset ? builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), object, part.offset)
                                   : static_cast<Value *>(object);
      Value *value = builder.CreateLoad(part.type, address);
      value = builder.CreateCall(declare_gate(*function_.getParent(), *part.type),
                                 {token, builder.getInt32(number), value});
      builder.CreateStore(value, address);
    }
    SmallVector<Value *, 16> operands{token};
    for (const auto &[object, number] : objects_) // they are seen there, so nobody knows what they hold afterwards
      operands.append({builder.getInt32(number), object});
    builder.CreateCall(point.getFunctionType(), point.getCalledOperand(), operands);
    point.eraseFromParent();
  }

  struct ValuePart {
    AllocaInst *object;
    ObjectPart part;
    unsigned number;
  };
  struct Copy {
    CallInst *point;
    AllocaInst *home, *variable;
  };

  Function &function_;
  const DataLayout &layout_;
  Gates gates_;
  std::vector<Place> places_;
  std::vector<Copy> copies_;
  std::vector<ValuePart> parts_;
  std::vector<std::pair<AllocaInst *, unsigned>> objects_;
};

} // namespace

void place_objects(Function &function, const std::map<std::string, PlacedObject> &objects, SourceTypes &types) {
  const auto type_of = [&types](SourceTypeId id) -> const SourceType & { return types[id]; };
  std::map<std::string, std::pair<AllocaInst *, unsigned>> named; // and how many have the name
  for (Instruction &instruction : instructions(function))
    if (auto *object = dyn_cast<AllocaInst>(&instruction))
      if (const DILocalVariable *variable = variable_of(*object)) {
        auto &[known, count] = named[variable->getName().str()];
        known = object;
        ++count;
        const auto place = objects.find(variable->getName().str());
        if (count > 1 || place == objects.end() ||
            type_key(types.add(variable->getType()), type_of) != place->second.type)
          known = nullptr;
      }
  Type *i64 = Type::getInt64Ty(function.getContext());
  for (const auto &[name, found] : named)
    if (AllocaInst *object = found.first; object && object->getAlign() <= Align(object_frame_align)) {
      auto *offset = ConstantAsMetadata::get(ConstantInt::get(i64, objects.at(name).offset));
      object->setMetadata(object_offset, MDNode::get(function.getContext(), offset));
    }
}

Expected<Gates> insert_gates(Function &function) { return Inserter(function).run(); }

} // namespace osr
