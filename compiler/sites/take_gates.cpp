// The later steps of variable_gates.h: in the function when it is canonical.
#include "compiler/base/call_of.h"
#include "compiler/base/print.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/gates.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/liveness.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/variable_gates.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

CallInst *as_gate(Value &value) {
  auto *call = dyn_cast<CallInst>(&value);
  const Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee && is_gate_name(callee->getName()) && !call->getType()->isVoidTy() ? call : nullptr;
}

std::uint64_t number_at(const CallInst &call, unsigned operand) {
  return cast<ConstantInt>(call.getArgOperand(operand))->getZExtValue();
}

CallBase *site_behind(CallInst &point) {
  for (Instruction &next : make_range(std::next(point.getIterator()), point.getParent()->end())) {
    if (as_call_of(&next, gate_point))
      return nullptr;
    if (auto *call = dyn_cast<CallBase>(&next); call && is_site(*call))
      return call;
  }
  return nullptr;
}

/// A part of an object, wherever its frame is.
bool is_place_in_object(const Value &value) {
  const Value *base = &value;
  while (const auto *element = dyn_cast<GetElementPtrInst>(base)) {
    if (!element->hasAllConstantIndices())
      return false;
    base = element->getPointerOperand();
  }
  return is_object_address(base);
}

/// What is executed behind one instruction.
class Behind {
public:
  explicit Behind(const Instruction &from) : from_(from) {
    SmallVector<const BasicBlock *, 32> left(successors(from.getParent()));
    while (!left.empty()) {
      const BasicBlock *block = left.pop_back_val();
      if (blocks_.insert(block).second)
        append_range(left, successors(block));
    }
  }

  bool has(const Use &use) const {
    const auto &user = *cast<Instruction>(use.getUser());
    if (const auto *phi = dyn_cast<PHINode>(&user)) {
      const BasicBlock *block = phi->getIncomingBlock(use);
      return block == from_.getParent() || blocks_.contains(block);
    }
    return blocks_.contains(user.getParent()) || (user.getParent() == from_.getParent() && from_.comesBefore(&user));
  }

private:
  const Instruction &from_;
  SmallPtrSet<const BasicBlock *, 32> blocks_;
};

bool is_needed_behind(const Value &object, const Behind &behind) {
  return any_of(object.uses(), [&](const Use &use) {
    auto *call = dyn_cast<CallInst>(use.getUser());
    if (call &&
        (as_call_of(call, gate_point) || as_call_of(call, gate_mark) || as_object_operation(call, object_expose)))
      return false;
    return behind.has(use);
  });
}

class Taker {
public:
  Taker(Function &function, Gates &gates) : function_(function), gates_(gates) {}

  void run() {
    SmallVector<CallInst *, 32> points, gates;
    SmallVector<Value *, 8> objects;
    for (Instruction &instruction : instructions(function_)) {
      if (CallInst *point = as_call_of(&instruction, gate_point))
        points.push_back(point);
      if (CallInst *gate = as_gate(instruction))
        gates.push_back(gate);
      if (is_object_address(&instruction))
        objects.push_back(&instruction);
    }
    note_gone(points);
    const auto itself = [](Value &value) { return &value; };
    const Liveness liveness(function_, is_frame_state_value, itself);
    std::vector<SmallVector<Value *, 16>> operands;
    for (CallInst *point : points)
      operands.push_back(operands_of_mark(*point, liveness, objects));
    for (const auto &[point, values] : zip_equal(points, operands)) {
      make_mark(*point, values);
      point->eraseFromParent();
    }
    for (CallInst *gate : gates) {
      gate->replaceAllUsesWith(gate->getArgOperand(2));
      gate->eraseFromParent();
    }
  }

private:
  void note_gone(ArrayRef<CallInst *> points) {
    std::set<std::uint64_t> left;
    for (const CallInst *point : points)
      left.insert(number_at(*point, 0));
    for (std::size_t number = 0; number != gates_.points.size(); ++number)
      if (!left.contains(number) && !gates_.points[number].called.empty())
        gates_.partly_gone.insert(gates_.points[number].called);
  }

  SmallVector<Value *, 16> operands_of_mark(CallInst &point, const Liveness &liveness, ArrayRef<Value *> objects) {
    IRBuilder<> builder(&point);
    SmallVector<Value *, 16> operands{point.getArgOperand(0)};
    const std::uint64_t token = number_at(point, 0);
    CallBase *site = site_behind(point);
    CallBase &from = site ? *site : point;
    for (Value *value : liveness.live_across(from)) {
      auto *frozen = dyn_cast<FreezeInst>(value); // as much the variable as what it freezes
      CallInst *gate = as_gate(frozen ? *frozen->getOperand(0) : *value);
      if (gate && number_at(*gate, 0) == token && is_before(*cast<Instruction>(value), point))
        operands.append({gate->getArgOperand(1), frozen ? value : gate->getArgOperand(2)});
      else if (!is_object_frame(value) && !is_place_in_object(*value) && !isa<Argument>(value))
        gates_.points[token].problem =
            fmt::format("a value of type '{}' that is in no variable is needed behind it", print(*value->getType()));
    }
    const Behind behind(from);
    for (Value *object : objects)
      if (is_needed_behind(*object, behind))
        add_object(point, *object, operands);
    return operands;
  }

  static bool is_before(const Instruction &value, const CallInst &point) {
    return value.getParent() == point.getParent() && value.comesBefore(&point);
  }

  void add_object(CallInst &point, Value &object, SmallVectorImpl<Value *> &operands) {
    for (unsigned i = 1; i + 1 < point.arg_size(); i += 2)
      if (point.getArgOperand(i + 1) == &object) {
        operands.append({point.getArgOperand(i), &object});
        return;
      }
    gates_.points[number_at(point, 0)].problem = "an object in memory that is no variable is needed behind it";
  }

  /// It touches nothing that the program or the optimiser could see.
  void make_mark(CallInst &point, ArrayRef<Value *> operands) {
    IRBuilder<> builder(&point);
    FunctionCallee callee = declare_place(*function_.getParent(), gate_mark, MemoryEffects::inaccessibleMemOnly());
    builder.CreateCall(callee, operands)->setDebugLoc(point.getDebugLoc());
  }

  Function &function_;
  Gates &gates_;
};

/// Nothing with a site may be between the mark and the end of `block`, or `before` in it.
CallInst *mark_before(BasicBlock &block, BasicBlock::iterator before) {
  for (Instruction &previous : reverse(make_range(block.begin(), before))) {
    if (CallInst *mark = as_call_of(&previous, gate_mark))
      return mark;
    if (auto *call = dyn_cast<CallBase>(&previous); call && is_site(*call))
      return nullptr;
  }
  return nullptr;
}

CallInst *mark_of(CallBase &site) {
  BasicBlock &block = *site.getParent();
  if (!is_loop_poll(site))
    return mark_before(block, site.getIterator());
  BasicBlock *asks = block.getSinglePredecessor();
  return asks ? mark_before(*asks, asks->end()) : nullptr;
}

void drop_unused(Module &module, StringRef name) {
  if (Function *function = module.getFunction(name); function && function->use_empty())
    function->eraseFromParent();
}

} // namespace

std::string called_name(const CallBase &call) {
  const auto *callee = dyn_cast<Function>(call.getCalledOperand()->stripPointerCasts());
  return callee ? name_for_people(callee->getName()).str() : print(*call.getFunctionType());
}

void replace_gates_by_marks(Function &function, Gates &gates) {
  Taker(function, gates).run();
  Module &module = *function.getParent();
  for (Function &declared : make_early_inc_range(module))
    if (is_gate_name(declared.getName()) && declared.use_empty())
      declared.eraseFromParent();
}

Instruction *last_mark_in(BasicBlock &block) {
  for (Instruction &instruction : reverse(block))
    if (CallInst *mark = as_call_of(&instruction, gate_mark))
      return mark;
  return nullptr;
}

std::vector<std::optional<MarkedSite>> read_marks(Function &function) {
  std::vector<std::optional<MarkedSite>> found;
  for (Instruction &instruction : instructions(function)) {
    auto *call = dyn_cast<CallBase>(&instruction);
    if (!call || !is_site(*call))
      continue;
    std::optional<MarkedSite> &site = found.emplace_back();
    const CallInst *mark = mark_of(*call);
    if (!mark)
      continue;
    site.emplace().point = unsigned(number_at(*mark, 0));
    for (unsigned i = 1; i + 1 < mark->arg_size(); i += 2)
      site->values.push_back({unsigned(number_at(*mark, i)), mark->getArgOperand(i + 1)});
  }
  return found;
}

void drop_marks(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (CallInst *mark = as_call_of(&instruction, gate_mark))
      mark->eraseFromParent();
  drop_unused(*function.getParent(), gate_mark);
}

} // namespace osr
