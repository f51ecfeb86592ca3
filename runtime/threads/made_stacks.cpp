#include "runtime/threads/made_stacks.h"

#include "runtime/machine/page_size.h"
#include "runtime/process/program_memory.h"
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
  if (stack.may_be_gone && !is_readable(registers, high - place))
    return {};
  const OutsideRegisters there = *registers; // in a frame that is there when it is left
  if (there.sp < stack.stack_begin || there.sp > place)
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

} // namespace

MadeStacks::MadeStacks() = default;
MadeStacks::~MadeStacks() = default;

MadeStacks::Stacks::const_iterator MadeStacks::at(std::uint64_t sp) const {
  const auto found = stacks_.upper_bound(sp);
  return found != stacks_.end() && found->second.stack->is_own_stack(sp) ? found : stacks_.end();
}

ProgramThread *MadeStacks::find(std::uint64_t sp) const {
  const auto found = at(sp);
  return found == stacks_.end() ? nullptr : found->second.stack.get();
}

MadeStacks::Made *MadeStacks::made_at(std::uint64_t sp) {
  const auto found = at(sp);
  return found == stacks_.end() ? nullptr : &stacks_.at(found->first);
}

bool MadeStacks::add(Extent memory, std::uint64_t sp) {
  for (auto found = stacks_.upper_bound(memory.begin);
       found != stacks_.end() && found->second.stack->stack_begin < memory.end; ++found)
    if (found->second.stack->is_own_stack(sp))
      return false;
  remove(memory);
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
  stacks_[memory.end] = {.stack = std::move(stack)};
  return true;
}

MadeStacks::Stacks::iterator MadeStacks::drop(Stacks::iterator made) {
  made->second.stack->stack_begin = made->second.stack->stack_high = 0;
  spare_.push_back(std::move(made->second.stack));
  return stacks_.erase(made);
}

void MadeStacks::remove(Extent memory) {
  auto found = stacks_.upper_bound(memory.begin);
  while (found != stacks_.end() && found->second.stack->stack_begin < memory.end)
    found = drop(found);
}

/// Each of a program's many coroutines may have had a place of its own. Nobody is on the stack of one that has ended but who is about to
/// leave it.
void MadeStacks::purge() {
  for (auto each = stacks_.begin(); each != stacks_.end();)
    each = each->second.has_ended ? drop(each) : std::next(each);
  purge_at_ = std::max<std::size_t>(64, 2 * stacks_.size());
}

bool MadeStacks::begin(std::uint64_t cfa, std::uint64_t return_pc) {
  Made *made = made_at(cfa - 1);
  if (!made)
    return false;
  made->has_ended = false;
  made->stack->left_at.store(nullptr, std::memory_order_relaxed);
  made->stack->base = {.cfa = cfa, .return_pc = return_pc, .saved = {}};
  return true;
}

bool MadeStacks::end(std::uint64_t sp) {
  Made *made = made_at(sp);
  if (!made)
    return false;
  made->has_ended = true;
  made->stack->base = {};
  return true;
}

OSR_OF_STOPPED_THREAD void MadeStacks::begin_stop(const std::vector<std::unique_ptr<ProgramThread>> &threads,
                                                  std::vector<ProgramThread *> &waiting) {
  if (stacks_.empty())
    return;
  for (const auto &thread : threads)
    if (Made *made = made_at(start_of_walk(*thread).registers.sp); made && !made->is_occupied) {
      made->is_occupied = true;
      made->stack->tid = thread->tid;
      exchange_stacks(*thread, *made->stack);
      occupied_.emplace_back(thread.get(), made->stack.get());
      wait_there(*made->stack, *thread);
      waiting.push_back(made->stack.get());
    }
  for (auto &[end, made] : stacks_)
    if (!made.is_occupied && made.stack->base.cfa != 0) {
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
