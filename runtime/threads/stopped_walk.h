// A walk of a thread's part of the program, from the registers with which a handshake stopped it.
#pragma once

#include "runtime/stack/arch_x86_64.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/threads/program_thread.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace osr {

/// Before threads are stopped again because one was stopped where no walk is possible (inside a stub, say): it has to run
/// some instructions. The next signal must not reach it before it has left the handler of the last one, or it would be
/// stopped at the same place, on a busy machine again and again. `retry` counts from 1.
inline void let_threads_run(unsigned retry) {
  std::this_thread::sleep_for(std::chrono::microseconds(1u << std::min(retry, 11u)));
}

/// A thread for which the runtime works on another stack is where it left its own.
OSR_OF_STOPPED_THREAD inline WalkStart start_of_walk(const ProgramThread &thread) {
  const RegisterSet stopped = arch::from_context(*thread.context);
  if (!thread.is_working_at(stopped.sp))
    return {stopped, PcKind::Exact};
  const OutsideRegisters &outside = thread.outside;
  WalkStart start{{outside.pc, outside.sp, {}}, PcKind::ReturnPc};
  std::copy(std::begin(outside.saved), std::end(outside.saved), start.registers.saved.begin());
  return start;
}

/// Calls visit(const Frame &) for each activation, newest first, up to the base of the program, or until it returns false.
/// Returns how the walk ended (Walking: visit ended it); what was visited counts only if it reached the base. A thread that is outside of the program (before its
/// first and after its last frame of it) has nothing to visit. Allocation-free if `visit` is. Walks of one stop share
/// `rules`.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped_while(const ProgramThread &thread, RulesFinder &rules, Visit visit) {
  const WalkStart start = start_of_walk(thread);
  const StackBounds bounds = stack_bounds(thread, thread.context->uc_stack);
  if (thread.base.cfa == 0 || (start.registers.sp >= thread.base.cfa && !bounds.on_alternate(start.registers.sp)))
    return WalkStatus::ReachedBase;
  FrameCursor cursor(start, rules, bounds);
  for (; !cursor.done(); cursor.advance())
    if (!visit(cursor.frame()))
      break;
  return cursor.status();
}

/// The same to the end.
template <typename Visit>
OSR_OF_STOPPED_THREAD WalkStatus walk_stopped(const ProgramThread &thread, RulesFinder &rules, Visit visit) {
  return walk_stopped_while(thread, rules, [&](const Frame &frame) {
    visit(frame);
    return true;
  });
}

} // namespace osr
