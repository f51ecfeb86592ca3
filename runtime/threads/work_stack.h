// Where the runtime works in a thread of the program: the compiler needs more stack than the program may have left.
//
//   thread's stack                                  a stack of the runtime's
//   ... frames of the program
//   hook, guard, on_work_stack ─ osr_call_on_stack ─► work: locks, compiler, linker
//        ▲ a walk of the thread begins here, with the registers that the call has kept
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>

namespace osr {

/// Calls `work` on a stack that the calling thread has for that time; on its own if it is on one already, is not
/// registered, or there is no memory. Within Undisturbed: no handler of the program runs there.
void on_work_stack(llvm::function_ref<void()> work);

} // namespace osr
