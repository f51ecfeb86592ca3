#include "compiler/canonical/object_area.h"

#include "compiler/canonical/objects.h"

#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>

#include <algorithm>
#include <numeric>

using namespace llvm;

namespace osr {
namespace {

/// Which frames may be alive together: those that are pushed and not popped when another one is pushed. A pop of one frame
/// or another, where code was merged, counts for none.
class Lifetimes {
public:
  explicit Lifetimes(ArrayRef<CallInst *> pushes) : together_(pushes.size(), BitVector(pushes.size())) {
    for (auto [index, push] : enumerate(pushes))
      index_[push] = unsigned(index);
    if (pushes.size() > 1)
      solve(*pushes.front()->getFunction());
  }

  bool overlap(unsigned a, unsigned b) const { return together_[a].test(b); }

private:
  void solve(Function &function) {
    DenseMap<const BasicBlock *, BitVector> out;
    for (BasicBlock &block : function)
      out[&block].resize(unsigned(together_.size()));
    for (bool changed = true; changed;) {
      changed = false;
      for (BasicBlock &block : function) {
        BitVector live(unsigned(together_.size()));
        for (BasicBlock *predecessor : predecessors(&block))
          live |= out.find(predecessor)->second;
        step(block, live);
        if (live != out.find(&block)->second) {
          out.find(&block)->second = std::move(live);
          changed = true;
        }
      }
    }
  }

  void step(BasicBlock &block, BitVector &live) {
    for (Instruction &instruction : block) {
      if (CallInst *pop = as_object_operation(&instruction, object_pop)) {
        if (auto popped = index_.find(pop->getArgOperand(0)); popped != index_.end())
          live.reset(popped->second);
      } else if (auto pushed = index_.find(&instruction); pushed != index_.end()) {
        live.set(pushed->second);
        for (unsigned other : live.set_bits()) {
          together_[other].set(pushed->second);
          together_[pushed->second].set(other);
        }
      }
    }
  }

  DenseMap<const Value *, unsigned> index_;
  std::vector<BitVector> together_;
};

std::uint64_t constant(const CallInst &push, unsigned operand) {
  return cast<ConstantInt>(push.getArgOperand(operand))->getZExtValue();
}

/// Whoever is pushed while another frame is alive comes behind it.
std::vector<unsigned> outer_first(ArrayRef<CallInst *> pushes) {
  DenseMap<const BasicBlock *, unsigned> number;
  for (const BasicBlock *block : ReversePostOrderTraversal<Function *>(pushes.front()->getFunction()))
    number.try_emplace(block, number.size());
  auto place_of = [&](unsigned index) { return std::pair(number.lookup(pushes[index]->getParent()), index); };
  std::vector<unsigned> order(pushes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, place_of);
  return order;
}

} // namespace

ObjectArea lay_out_area(ArrayRef<CallInst *> pushes) {
  const Lifetimes lifetimes(pushes);
  ObjectArea area;
  area.offsets.resize(pushes.size());
  area.align = Align(object_frame_align);
  const std::vector<unsigned> order = outer_first(pushes);
  std::vector<unsigned> placed;
  for (unsigned index : reverse(order)) {
    const Align align(constant(*pushes[index], 1));
    const std::uint64_t size = constant(*pushes[index], 0);
    std::uint64_t end_of_inner = 0;
    for (unsigned inner : placed)
      if (lifetimes.overlap(index, inner))
        end_of_inner = std::max(end_of_inner, area.offsets[inner] + constant(*pushes[inner], 0));
    area.offsets[index] = alignTo(end_of_inner, align);
    area.size = std::max(area.size, area.offsets[index] + size);
    area.align = std::max(area.align, align);
    placed.push_back(index);
  }
  return area;
}

} // namespace osr
