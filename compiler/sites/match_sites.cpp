#include "compiler/sites/match_sites.h"

#include "compiler/base/print.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/variable_gates.h"

#include <llvm/ADT/Hashing.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/xxhash.h>

#include <algorithm>
#include <map>
#include <set>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_cells = 4'000'000; ///< of larger functions only sites are compared
constexpr std::uint32_t weight_of_site = 8, weight_of_operands = 2;

struct Element {
  std::uint64_t what = 0; ///< what has to be equal
  std::uint64_t operands = 0; ///< of a site: constants that it is given
  std::uint64_t arguments = 0, uses = 0; ///< likewise: how they are computed, and what is done with its result
  std::optional<std::uint32_t> site;
  const BasicBlock *loop = nullptr; ///< the header of the innermost one around a site
  std::uint64_t alike = 0; ///< has to be equal, too
};

std::uint64_t of_text(StringRef text) { return xxh3_64bits(text); }

bool is_poll(const Instruction &instruction) {
  const auto *call = dyn_cast<CallBase>(&instruction);
  return call && is_loop_poll(*call);
}

/// Where a poll is asked for: what follows is that of any poll.
const Instruction *poll_asked_at_end(const BasicBlock &block) {
  for (const BasicBlock *next : successors(&block))
    for (const Instruction &instruction : *next)
      if (is_poll(instruction) && next->getSinglePredecessor() == &block)
        return &instruction;
  return nullptr;
}

std::uint64_t constant(const Value &value) {
  if (const auto *variable = dyn_cast<GlobalVariable>(&value);
      variable && variable->isConstant() && variable->hasInitializer())
    return of_text(print(*variable->getInitializer())); // texts
  if (const auto *global = dyn_cast<GlobalValue>(&value))
    return of_text(name_for_people(global->getName()));
  return isa<ConstantData>(value) ? of_text(print(value)) : 0;
}

std::uint64_t constants_in(const Instruction &instruction, const CallBase *call) {
  hash_code all(0);
  for (const Use &operand : instruction.operands())
    if (!call || call->isArgOperand(&operand))
      all = hash_combine(all, constant(*operand));
  return all;
}

std::uint64_t uses_of(const CallBase &call) {
  SmallVector<unsigned, 8> opcodes;
  for (const Use &use : call.uses())
    if (const auto *user = cast<Instruction>(use.getUser());
        !isa<CallBase>(user) || cast<CallBase>(user)->isArgOperand(&use))
      opcodes.push_back(user->getOpcode()); // frame states need what others need
  sort(opcodes);
  return hash_combine_range(opcodes.begin(), opcodes.end());
}

/// How a value is computed, as far as one step after the other leads without memory.
std::uint64_t expression(const Value &value, unsigned depth) {
  if (const auto *argument = dyn_cast<Argument>(&value))
    return hash_combine(argument->getArgNo(), 1);
  const auto *instruction = dyn_cast<Instruction>(&value);
  if (!instruction)
    return hash_combine(constant(value), 2);
  hash_code all = hash_combine(instruction->getOpcode(), 3);
  if (depth != 0 && !isa<PHINode, CallBase, LoadInst>(instruction))
    for (const Value *operand : instruction->operand_values())
      all = hash_combine(all, expression(*operand, depth - 1));
  return all;
}

std::uint64_t arguments_of(const CallBase &call) {
  constexpr unsigned deepest = 6;
  hash_code all(0);
  for (const Use &argument : call.args())
    all = hash_combine(all, expression(*argument, deepest));
  return all;
}

class Sequence {
public:
  explicit Sequence(const Function &function) : dominators_(const_cast<Function &>(function)), loops_(dominators_) {
    for (const auto [number, call] : enumerate(sites_of(function)))
      numbers_[call] = std::uint32_t(number);
    for (const BasicBlock &block : function)
      if (none_of(block, is_poll))
        add(block);
  }

  std::vector<Element> elements;
  std::uint32_t site_count() const { return std::uint32_t(numbers_.size()); }
  void keep_sites() {
    std::erase_if(elements, [](const Element &element) { return !element.site; });
  }

private:
  void add(const BasicBlock &block) {
    const Instruction *poll = poll_asked_at_end(block);
    for (const Instruction &instruction : block)
      if (!poll || !is_part_of_poll(instruction))
        add(instruction);
    if (poll)
      add_site(*cast<CallBase>(poll), block);
  }

  static bool is_part_of_poll(const Instruction &instruction) {
    const auto *load = dyn_cast<LoadInst>(&instruction);
    return instruction.isTerminator() || (load && is_poll_word(*load->getPointerOperand()));
  }

  void add(const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    if (call && is_site(*call)) {
      add_site(*call, *instruction.getParent());
      return;
    }
    if (call && call->getCalledFunction() && call->getCalledFunction()->getName().starts_with("osr"))
      return;
    if (isa<PHINode>(instruction) || (isa<BranchInst>(instruction) && instruction.getNumOperands() == 1))
      return;
    hash_code what = hash_combine(instruction.getOpcode(), of_text(print(*instruction.getType())),
                                  constants_in(instruction, nullptr));
    if (const auto *compare = dyn_cast<CmpInst>(&instruction))
      what = hash_combine(what, unsigned(compare->getPredicate()));
    elements.push_back({what, 0, 0, 0, std::nullopt, nullptr, 0});
  }

  void add_site(const CallBase &call, const BasicBlock &block) {
    const auto *callee = dyn_cast<Function>(call.getCalledOperand()->stripPointerCasts());
    const std::uint64_t name = of_text(called_name(call));
    const Loop *loop = loops_.getLoopFor(&block);
    const std::uint64_t what = hash_combine(name, callee != nullptr, of_text(print(*call.getType())),
                                            loops_.getLoopDepth(&block), call.arg_size());
    elements.push_back({what, constants_in(call, &call), arguments_of(call), uses_of(call), numbers_.at(&call),
                        loop ? loop->getHeader() : nullptr, 0});
  }

  DominatorTree dominators_;
  LoopInfo loops_;
  std::map<const CallBase *, std::uint32_t> numbers_;
};

std::uint32_t weight(const Element &one, const Element &other) {
  if (one.what != other.what || one.alike != other.alike || one.site.has_value() != other.site.has_value())
    return 0;
  return !one.site ? 1 : weight_of_site + (one.operands == other.operands ? weight_of_operands : 0);
}

/// The best that can be had of the first i and j elements; of reversed sequences, of the last ones.
class Table {
public:
  Table(std::size_t rows, std::size_t columns) : columns_(columns + 1), best_((rows + 1) * (columns + 1)) {}
  std::uint32_t &at(std::size_t row, std::size_t column) { return best_[row * columns_ + column]; }

private:
  std::size_t columns_;
  std::vector<std::uint32_t> best_;
};

class Layouts {
public:
  Layouts(ArrayRef<Element> one, ArrayRef<Element> other)
      : one_(one), other_(other), before_(one.size(), other.size()), behind_(one.size(), other.size()) {
    for (std::size_t i = 1; i <= one.size(); ++i)
      for (std::size_t j = 1; j <= other.size(); ++j)
        before_.at(i, j) = best(before_.at(i - 1, j), before_.at(i, j - 1), before_.at(i - 1, j - 1), i - 1, j - 1);
    for (std::size_t i = one.size(); i-- > 0;)
      for (std::size_t j = other.size(); j-- > 0;)
        behind_.at(i, j) = best(behind_.at(i + 1, j), behind_.at(i, j + 1), behind_.at(i + 1, j + 1), i, j);
  }

  /// What element i of `one` is opposite of in each of the best layouts.
  std::optional<std::size_t> always_opposite(std::size_t i) {
    const std::uint32_t all = before_.at(one_.size(), other_.size());
    std::optional<std::size_t> found;
    for (std::size_t j = 0; j <= other_.size(); ++j) {
      if (before_.at(i, j) + behind_.at(i + 1, j) == all)
        return std::nullopt; // opposite of nothing
      const std::uint32_t own = j < other_.size() ? weight(one_[i], other_[j]) : 0;
      if (own == 0 || before_.at(i, j) + own + behind_.at(i + 1, j + 1) != all)
        continue;
      if (found)
        return std::nullopt;
      found = j;
    }
    return found;
  }

private:
  std::uint32_t best(std::uint32_t without_one, std::uint32_t without_other, std::uint32_t without_both, std::size_t i,
                     std::size_t j) const {
    const std::uint32_t own = weight(one_[i], other_[j]);
    return std::max({without_one, without_other, own ? without_both + own : 0u});
  }

  ArrayRef<Element> one_, other_;
  Table before_, behind_;
};

/// Of a callee with several calls, those are alike that are given the same and whose results are used in the same way.
void tell_apart(std::vector<Element> &one, std::vector<Element> &other) {
  std::map<std::uint64_t, unsigned> in_one, in_other;
  for (const Element &element : one)
    in_one[element.what] += element.site.has_value();
  for (const Element &element : other)
    in_other[element.what] += element.site.has_value();
  for (std::vector<Element> *elements : {&one, &other})
    for (Element &element : *elements)
      if (element.site && (in_one[element.what] > 1 || in_other[element.what] > 1))
        element.alike = hash_combine(element.arguments, element.uses);
}

using LoopPair = std::pair<const BasicBlock *, const BasicBlock *>;

/// Two sites in one loop are not in two loops of the other body.
std::set<LoopPair> contradicting(ArrayRef<LoopPair> pairs) {
  std::set<LoopPair> found;
  for (const LoopPair &one : pairs)
    for (const LoopPair &other : pairs)
      if ((one.first == other.first) != (one.second == other.second))
        found.insert({one, other});
  return found;
}

} // namespace

std::vector<std::optional<std::uint32_t>> match_sites(const Function &one, const Function &other) {
  Sequence left(one), right(other);
  std::vector<std::optional<std::uint32_t>> matched(left.site_count());
  tell_apart(left.elements, right.elements);
  if (left.elements.size() * right.elements.size() > most_cells) {
    left.keep_sites();
    right.keep_sites();
  }
  if (left.elements.size() * right.elements.size() > most_cells)
    return matched;
  Layouts layouts(left.elements, right.elements);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  SmallVector<LoopPair, 16> loops;
  for (std::size_t i = 0; i != left.elements.size(); ++i)
    if (left.elements[i].site)
      if (const auto opposite = layouts.always_opposite(i)) {
        pairs.push_back({i, *opposite});
        loops.push_back({left.elements[i].loop, right.elements[*opposite].loop});
      }
  const std::set<LoopPair> wrong = contradicting(loops);
  for (const auto &[i, j] : pairs)
    if (!wrong.contains({left.elements[i].loop, right.elements[j].loop}))
      matched[*left.elements[i].site] = right.elements[j].site;
  return matched;
}

} // namespace osr
