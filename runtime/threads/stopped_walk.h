// A walk of a thread's part of the program, from the registers with which a handshake stopped it.
#pragma once

#include "runtime/machine/context.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/threads/program_thread.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

namespace osr {

/// Before threads are stopped again because one was stopped where no walk is possible (in longjmp, say): it has to run
/// some instructions. The next signal must not reach it before it has left the handler of the last one, or it would be
/// stopped at the same place, on a busy machine again and again. `retry` counts from 1.
inline void let_threads_run(unsigned retry) {
  std::this_thread::sleep_for(std::chrono::microseconds(1u << std::min(retry, 11u)));
}

/// A thread for which the runtime works on another stack is where it left its own.
OSR_OF_STOPPED_THREAD inline WalkStart start_of_walk(const ProgramThread &thread) {
  if (!thread.is_suspended)
    if (const RegisterSet stopped = arch::from_context(*thread.context); !thread.is_working_at(stopped.sp))
      return {stopped, PcKind::Exact};
  const OutsideRegisters &outside = thread.outside;
  WalkStart start{{outside.pc, outside.sp, {}}, PcKind::ReturnPc};
  std::copy(std::begin(outside.saved), std::end(outside.saved), start.registers.saved.begin());
  return start;
}

/// Which part of a stopped thread's stack a walk goes through.
struct WalkedPart {
  StackBounds bounds;
  bool is_empty = false; ///< the thread is outside of the program
  /// A host may have called functions of the program by their addresses, without saying so: then all of its stack is
  /// walked, if that can be done.
  bool has_host_frames = false;
};

OSR_OF_STOPPED_THREAD inline WalkedPart part_to_walk(const ProgramThread &thread, std::uint64_t sp) {
  WalkedPart part;
  part.bounds = stack_bounds(thread, thread.is_suspended ? stack_t{nullptr, SS_DISABLE, 0} : thread.context->uc_stack);
  const bool is_on_own = !part.bounds.on_alternate(sp);
  part.is_empty = thread.base.cfa == 0 || (sp >= thread.base.cfa && is_on_own);
  part.has_host_frames = thread.role == ThreadRole::Host && is_on_own && thread.is_own_stack(sp);
  if (part.has_host_frames) {
    part.is_empty = false;
    part.bounds.base = part.bounds.end = thread.stack_high;
  }
  return part;
}

/// Some word on this part of a stack may be a return PC into code of ours.
OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("address"))) inline bool
mentions_our_code(RulesFinder &rules, std::uint64_t low, std::uint64_t high) {
  for (std::uint64_t at = low & ~std::uint64_t(7); at + 8 <= high; at += 8)
    if (const std::uint64_t word = *reinterpret_cast<const volatile std::uint64_t *>(at); rules.is_our_code(word))
      return true;
  return false;
}

/// Calls visit(const FrameCursor &) for each activation, newest first, up to the base of the program, or until it returns
/// false. Returns how the walk ended (Walking: visit ended it); what was visited counts only if it reached the base. A
/// thread that is outside of the program (before its first and after its last frame of it) has nothing to visit. Frames
/// of the host that cannot be walked end the walk well if nothing older can be the program's. Allocation-free if `visit`
/// is. Walks of one stop share `rules`.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped_with_cursor(const ProgramThread &thread, RulesFinder &rules,
                                                          Visit visit) {
  const WalkStart start = start_of_walk(thread);
  const WalkedPart part = part_to_walk(thread, start.registers.sp);
  if (part.is_empty)
    return WalkStatus::ReachedBase;
  FrameCursor cursor(start, rules, part.bounds);
  for (; !cursor.done(); cursor.advance())
    if (!visit(cursor))
      break;
  const WalkStatus status = cursor.status();
  if (!part.has_host_frames || status == WalkStatus::Walking || status == WalkStatus::ReachedBase)
    return status;
  const bool is_host = cursor.last_sp() >= thread.base.cfa && thread.is_own_stack(cursor.last_sp());
  return is_host && (status == WalkStatus::EndOfStack || !mentions_our_code(rules, cursor.last_sp(), thread.stack_high))
             ? WalkStatus::ReachedBase
             : status;
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
