#include "runtime/threads/made_stacks.h"

#include "runtime/machine/page_size.h"
#include "runtime/process/program_memory.h"
#include "runtime/threads/context_calls.h"
#include "runtime/threads/stopped_walk.h"

#include <algorithm>

namespace osr {
namespace {

/// Where walks of a stack begin that the program has left. Nothing: it has not said so, or the memory is something else by now.
OSR_OF_STOPPED_THREAD OutsideRegisters registers_of(const ProgramThread &left, const ProgramThread &stack) {
  const OutsideRegisters *registers = left.left_at.load(std::memory_order_relaxed);
  const auto place = reinterpret_cast<std::uint64_t>(registers);
  const std::uint64_t high = stack.base.cfa ? stack.base.cfa : stack.stack_high;
  if (!registers || !stack.is_own_stack(place) || place + sizeof *registers > high ||
      place % alignof(OutsideRegisters) != 0)
    return {};
  if (stack.may_be_gone && !is_writable(registers, high - place))
    return {};
  const OutsideRegisters there = *registers; // in a frame that is there when it is left
  if (!is_pc_of_leaving(there.pc) || there.sp < stack.stack_begin || there.sp > place)
    return {};
  const bool is_on_other_page = there.sp / page_size != place / page_size;
  if (stack.may_be_gone && is_on_other_page && !is_readable(reinterpret_cast<const void *>(there.sp), place - there.sp))
    return {};
  return there;
}

/// `record` is of a stack that no thread is on; the registers are of `left`.
void wait_there(ProgramThread &record, const ProgramThread &left) {
  record.is_suspended = true;
  record.outside = registers_of(left, record);
  record.sight = record.outside.pc == 0 ? Sight::Unseen : record.may_be_gone ? Sight::NotTried : Sight::Seen;
}

void exchange_stacks(ProgramThread &one, ProgramThread &other) {
  ProgramThread kept;
  kept.take_stack_of(one);
  one.take_stack_of(other);
  other.take_stack_of(kept);
}

bool has_begun(const ProgramThread &stack) {
  return stack.base.cfa != 0 || stack.left_at.load(std::memory_order_relaxed) != nullptr;
}

std::pair<std::uint64_t, std::uint64_t> key_of(Extent memory) { return {memory.end, ~memory.begin}; }
Extent memory_of(const ProgramThread &stack) { return {stack.stack_begin, stack.stack_high}; }

bool overlap(Extent one, Extent other) { return one.begin < other.end && other.begin < one.end; }
bool is_within(Extent inner, Extent outer) { return outer.begin <= inner.begin && inner.end <= outer.end; }

} // namespace

MadeStacks::MadeStacks() = default;
MadeStacks::~MadeStacks() = default;

MadeStacks::Made *MadeStacks::made_at(std::uint64_t sp) {
  auto found = stacks_.lower_bound({sp + 1, 0});
  while (are_nested_ && found != stacks_.end() && !found->second.stack->is_own_stack(sp))
    ++found;
  return found != stacks_.end() && found->second.stack->is_own_stack(sp) ? &found->second : nullptr;
}

ProgramThread *MadeStacks::find(std::uint64_t sp) {
  const Made *made = made_at(sp);
  return made ? made->stack.get() : nullptr;
}

/// Not as an object of one of its frames: nothing that waits there can go on.
bool MadeStacks::is_reused_by(Extent memory, const Made &made) const {
  const ProgramThread &stack = *made.stack;
  if (!has_begun(stack) || made.has_ended || memory == memory_of(stack))
    return true;
  const auto lowest = reinterpret_cast<std::uint64_t>(stack.left_at.load(std::memory_order_relaxed));
  return lowest != 0 && overlap(memory, {lowest, stack.base.cfa ? stack.base.cfa : stack.stack_high}) &&
         !is_within(memory, memory_of(stack));
}

void MadeStacks::make_room(Extent memory) {
  for (auto found = stacks_.lower_bound({memory.begin + 1, 0}); found != stacks_.end();) {
    const bool is_met = overlap(memory, memory_of(*found->second.stack));
    if (!is_met && !are_nested_)
      return;
    if (is_met && is_reused_by(memory, found->second)) {
      found = drop(found);
    } else {
      are_nested_ |= is_met;
      ++found;
    }
  }
}

bool MadeStacks::add(Extent memory, std::uint64_t sp) {
  if (const ProgramThread *here = find(sp);
      here && overlap(memory, memory_of(*here)) && !is_within(memory, memory_of(*here)))
    return false;
  make_room(memory);
  if (stacks_.size() >= purge_at_)
    purge();
  if (spare_.empty())
    spare_.push_back(std::make_unique<ProgramThread>());
  std::unique_ptr<ProgramThread> stack = std::move(spare_.back());
  spare_.pop_back();
  stack->role = ThreadRole::Program;
  stack->may_be_gone = true;
  stack->stack_begin = memory.begin;
  stack->stack_low = memory.begin + std::min(stack_reserve, memory.size() / 2);
  stack->stack_high = memory.end;
  stack->base = {};
  stack->left_at.store(nullptr, std::memory_order_relaxed);
  stacks_[key_of(memory)] = {.stack = std::move(stack)};
  return true;
}

MadeStacks::Stacks::iterator MadeStacks::drop(Stacks::iterator made) {
  made->second.stack->stack_begin = made->second.stack->stack_high = 0;
  spare_.push_back(std::move(made->second.stack));
  return stacks_.erase(made);
}

/// Each of a program's many coroutines may have had a place of its own.
void MadeStacks::purge() {
  for (auto each = stacks_.begin(); each != stacks_.end();)
    each = each->second.has_ended ? drop(each) : std::next(each);
  purge_at_ = std::max<std::size_t>(64, 2 * stacks_.size());
}

ProgramThread *MadeStacks::begin(std::uint64_t cfa, std::uint64_t return_pc) {
  Made *made = made_at(cfa - 1);
  if (!made)
    return nullptr;
  made->has_ended = false;
  made->stack->left_at.store(nullptr, std::memory_order_relaxed);
  made->stack->base = {.cfa = cfa, .return_pc = return_pc, .saved = {}};
  return made->stack.get();
}

void MadeStacks::end(std::uint64_t sp, bool is_for_good) {
  if (Made *made = made_at(sp)) {
    made->has_ended = is_for_good; // else handlers of exit come there
    made->stack->base = {};
    made->stack->left_at.store(nullptr, std::memory_order_relaxed);
  }
}

/// Where it stands, if that is not its own one, which may be the inner one of both.
OSR_OF_STOPPED_THREAD MadeStacks::Made *MadeStacks::stack_of(const ProgramThread &thread) {
  const std::uint64_t sp = start_of_walk(thread).registers.sp;
  Made *made = made_at(sp);
  const bool is_in_own = made && thread.is_own_stack(sp) && is_within(memory_of(thread), memory_of(*made->stack));
  return is_in_own ? nullptr : made;
}

OSR_OF_STOPPED_THREAD void MadeStacks::begin_stop(const std::vector<std::unique_ptr<ProgramThread>> &threads,
                                                  std::vector<ProgramThread *> &waiting) {
  if (stacks_.empty())
    return;
  for (const auto &thread : threads)
    if (Made *made = stack_of(*thread); made && !made->is_occupied) {
      made->is_occupied = true;
      made->stack->tid = thread->tid;
      exchange_stacks(*thread, *made->stack);
      occupied_.emplace_back(thread.get(), made->stack.get());
      wait_there(*made->stack, *thread);
      waiting.push_back(made->stack.get());
    }
  for (auto &[end, made] : stacks_)
    if (!made.is_occupied && !made.has_ended && has_begun(*made.stack)) {
      wait_there(*made.stack, *made.stack);
      waiting.push_back(made.stack.get());
    }
}

void MadeStacks::end_stop() {
  for (const auto &[thread, stack] : occupied_)
    exchange_stacks(*thread, *stack);
  occupied_.clear();
  for (auto &[end, made] : stacks_) {
    made.is_occupied = false;
    made.stack->is_suspended = false;
  }
}

} // namespace osr
