// A walk of a thread's part of the program, from the registers with which a handshake stopped it.
#pragma once

#include "runtime/machine/context.h"
#include "runtime/machine/page_size.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/threads/program_thread.h"

#include "runtime/stack/step.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

namespace osr {

/// Before threads are stopped again because one was stopped where no walk is possible (in longjmp, say): it has to run
/// some instructions. The next signal must not reach it before it has left the handler of the last one, or it would be
/// stopped at the same place, on a busy machine again and again. `retry` counts from 1.
inline void let_threads_run(unsigned retry) {
  std::this_thread::sleep_for(std::chrono::microseconds(1u << std::min(retry, 11u)));
}

/// A thread for which the runtime works on another stack is where it left its own; one that is held, in its newest activation.
OSR_OF_STOPPED_THREAD inline WalkStart start_of_walk(const ProgramThread &thread) {
  if (thread.has_context())
    if (const RegisterSet stopped = arch::from_context(*thread.context); !thread.is_working_at(stopped.sp))
      return {stopped, PcKind::Exact};
  const bool is_held = !thread.is_suspended && !thread.has_context();
  const OutsideRegisters &outside = is_held ? thread.stays_at : thread.outside;
  WalkStart start{{outside.pc, outside.sp, {}}, PcKind::ReturnPc};
  if (is_held) // it may have been sent elsewhere since
    start.registers.pc = load_word(return_pc_slot(outside.sp));
  std::copy(std::begin(outside.saved), std::end(outside.saved), start.registers.saved.begin());
  return start;
}

/// Some word on this part of a stack may be a return PC into code of ours; with `and_beginnings`, where somebody is about to jump to.
OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("address"))) inline bool
mentions_our_code(RulesFinder &rules, std::uint64_t low, std::uint64_t high, bool and_beginnings = false) {
  for (std::uint64_t at = low & ~std::uint64_t(7); at + 8 <= high; at += 8)
    if (const std::uint64_t word = *reinterpret_cast<const volatile std::uint64_t *>(at);
        rules.is_our_code(word) || (and_beginnings && rules.is_our_code(word + 1)))
      return true;
  return false;
}

/// Which part of a stopped thread's stack a walk goes through.
struct WalkedPart {
  StackBounds bounds;
  bool is_empty = false; ///< the thread is outside of the program
  /// A host may have called functions of the program by their addresses, without saying so, and so may a library before the function of
  /// a thread of the program has begun or when it has ended: then all of the stack is walked, if that can be done.
  bool has_host_frames = false;
};

/// How a walk of the part that a cursor has gone through has ended; frames of the host that cannot be walked end it well if nothing older can be the
/// program's.
OSR_OF_STOPPED_THREAD inline WalkStatus end_of_walk(const FrameCursor &cursor, const WalkedPart &part,
                                                    const ProgramThread &thread, RulesFinder &rules) {
  const WalkStatus status = cursor.status();
  if (!part.has_host_frames || status == WalkStatus::Walking || status == WalkStatus::ReachedBase)
    return status;
  const bool is_host = cursor.last_sp() >= thread.base.cfa && thread.is_own_stack(cursor.last_sp());
  return is_host && (status == WalkStatus::EndOfStack || !mentions_our_code(rules, cursor.last_sp(), thread.stack_high))
             ? WalkStatus::ReachedBase
             : status;
}

/// Memory of the program's that holds no stack any more holds no chain of frames up to its base.
OSR_OF_STOPPED_THREAD inline bool has_walk(const ProgramThread &thread, const WalkStart &start, const WalkedPart &part,
                                           RulesFinder &rules) {
  FrameCursor cursor(start, rules, part.bounds);
  while (!cursor.done())
    cursor.advance();
  return end_of_walk(cursor, part, thread, rules) == WalkStatus::ReachedBase;
}

OSR_OF_STOPPED_THREAD inline WalkedPart part_to_walk(const ProgramThread &thread, const WalkStart &start,
                                                     RulesFinder &rules) {
  const std::uint64_t sp = start.registers.sp;
  WalkedPart part;
  part.bounds = stack_bounds(thread, thread.has_context() ? thread.context->uc_stack : stack_t{nullptr, SS_DISABLE, 0});
  const bool is_on_own = !part.bounds.on_alternate(sp);
  const bool is_elsewhere = thread.stack_high != 0 && !thread.is_own_stack(sp); // on a stack that nobody knows
  part.is_empty = thread.base.cfa == 0 || (sp >= thread.base.cfa && is_on_own && !is_elsewhere);
  part.has_host_frames = thread.may_be_called_directly() && is_on_own && thread.is_own_stack(sp);
  if (part.has_host_frames) {
    // What of the host leads to a thread's function may take a walk that calls the system: not without need.
    part.is_empty = thread.role != ThreadRole::Host && !rules.is_our_code(start.registers.pc + 1) &&
                    !mentions_our_code(rules, sp, thread.stack_high, /*and_beginnings=*/true);
    part.bounds.base = part.bounds.end = thread.stack_high;
  }
  if (thread.sight == Sight::NotTried)
    thread.sight = has_walk(thread, start, part, rules) ? Sight::Seen : Sight::Unseen;
  part.is_empty |= thread.sight == Sight::Unseen;
  return part;
}

/// Whether the thread was stopped where walks end because an exception is about to land.
bool is_landing(const ProgramThread &thread);

/// Calls visit(const FrameCursor &) for each activation, newest first, up to the base of the program, or until it returns
/// false. Returns how the walk ended (Walking: visit ended it); what was visited counts only if it reached the base. A
/// thread that is outside of the program (before its first and after its last frame of it) has nothing to visit. Allocation-free if
/// `visit` is. Walks of one stop share `rules`.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped_with_cursor(const ProgramThread &thread, RulesFinder &rules,
                                                          Visit visit) {
  const WalkStart start = start_of_walk(thread);
  const WalkedPart part = part_to_walk(thread, start, rules);
  if (part.is_empty)
    return WalkStatus::ReachedBase;
  FrameCursor cursor(start, rules, part.bounds);
  for (; !cursor.done(); cursor.advance())
    if (!visit(cursor))
      break;
  return end_of_walk(cursor, part, thread, rules);
}

/// Where walks that come no further than `sp` go on: the next older entry from the host. Nothing: there is none.
OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("address"))) inline std::optional<ProgramBase>
next_older_entry(const ProgramThread &thread, std::uint64_t sp) {
  const auto is_there = [&](std::uint64_t cfa, std::uint64_t return_pc) {
    return cfa > sp && thread.is_own_stack(cfa) && cfa % word_size == 0 && load_word(cfa - word_size) == return_pc;
  };
  for (const ProgramEntry *entry = thread.entries; entry; entry = entry->older) {
    const auto address = reinterpret_cast<std::uint64_t>(entry);
    if (!thread.is_own_stack(address) || address % alignof(ProgramEntry) != 0 || entry->check != entry->right_check())
      break; // left by longjmp, and overwritten since
    if (is_there(entry->base.cfa, entry->base.return_pc))
      return entry->base;
  }
  return is_there(thread.base.cfa, thread.base.return_pc) ? std::optional(thread.base) : std::nullopt;
}

/// Bytes of one page: the one beside it may not exist.
OSR_OF_STOPPED_THREAD inline bool may_call_system_at(std::uint64_t pc) {
  return pc % page_size <= page_size - arch::system_call_size &&
         arch::is_system_call(reinterpret_cast<const unsigned char *>(pc));
}

/// Whether the thread stands where it has waited, or called somebody, so that a walk which fails would fail again: not between two of the
/// few instructions by which an exception lands, say.
OSR_OF_STOPPED_THREAD inline bool is_settled(const ProgramThread &thread) {
  if (!thread.has_context() || &thread == ThreadRegistry::current() ||
      thread.is_working_at(arch::from_context(*thread.context).sp))
    return true;
  const std::uint64_t pc = arch::from_context(*thread.context).pc; // behind a call, or at one that will be made again
  return may_call_system_at(pc) || may_call_system_at(pc - arch::system_call_size);
}

/// The same around what cannot be walked: frames of code without unwind information hide what is between them and the next older entry from
/// the host. For such parts hidden(low, high) is called, with all words in which a return PC may be. What was visited counts as far as the
/// thread is settled.
template <typename Visit, typename Hidden>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped_around(const ProgramThread &thread, RulesFinder &rules, Visit visit,
                                                     Hidden hidden) {
  WalkStart start = start_of_walk(thread);
  const WalkedPart part = part_to_walk(thread, start, rules);
  if (part.is_empty)
    return WalkStatus::ReachedBase;
  if (start.registers.pc == 0) // a stack that was left without a word
    return WalkStatus::NoUnwindInfo;
  for (;;) {
    FrameCursor cursor(start, rules, part.bounds);
    for (; !cursor.done(); cursor.advance())
      if (!visit(cursor.frame()))
        return WalkStatus::Walking;
    const WalkStatus status = end_of_walk(cursor, part, thread, rules);
    const std::uint64_t low = cursor.last_sp() - word_size; // the return PC into the frame that hides
    // A vfork has its return PC in a register: whoever is stopped behind the call goes on in a moment.
    const bool is_on_its_way =
        status == WalkStatus::OddRules && start.kind == PcKind::Exact && cursor.last_sp() == start.registers.sp;
    if ((status != WalkStatus::NoUnwindInfo && status != WalkStatus::OddRules) || is_on_its_way ||
        !thread.is_own_stack(low))
      return status;
    const auto entry = next_older_entry(thread, low);
    hidden(low, entry ? entry->cfa : part.bounds.end);
    if (!entry)
      return WalkStatus::ReachedBase;
    start = {{entry->return_pc, entry->cfa, {}}, PcKind::ReturnPc};
    std::copy(std::begin(entry->saved), std::end(entry->saved), start.registers.saved.begin());
  }
}

/// The same with visit(const Frame &). Here and below, what locks `visit` needs whoever calls this has: OSR_UNCHECKED_LOCKS.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped_while(const ProgramThread &thread, RulesFinder &rules, Visit visit) {
  return walk_stopped_with_cursor(thread, rules,
                                  [&](const FrameCursor &cursor) OSR_UNCHECKED_LOCKS { return visit(cursor.frame()); });
}

/// The same to the end.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped(const ProgramThread &thread, RulesFinder &rules, Visit visit) {
  return walk_stopped_while(thread, rules, [&](const Frame &frame) OSR_UNCHECKED_LOCKS {
    visit(frame);
    return true;
  });
}

} // namespace osr
