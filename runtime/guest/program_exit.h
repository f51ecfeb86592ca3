// How a program ends: its atexit handlers and static destructors run before anything of the host goes away.
#pragma once

#include "osr/program_exit.h"
#include "runtime/code/code_session.h"

#include <functional>
#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's: atexit, __cxa_atexit, on_exit, exit, _exit, _Exit and abort.
///
/// The C library runs handlers in the reverse order of registration, the host's among them: the compiler's own static
/// objects may have been made after the program registered its handler, and would be destroyed before it. So the
/// program's handlers wait in a list of their own, and the program's exit() runs them first. A handler may call
/// functions that have to be compiled. Thread-safe as far as atexit is.
std::vector<AbsoluteSymbol> program_exit_symbols();

/// While one exists the process is the program's: the end of its last thread ends it, and threads have the stacks that baseline
/// code needs.
class WholeProcess {
public:
  WholeProcess();
  ~WholeProcess();
  WholeProcess(const WholeProcess &) = delete;
  WholeProcess &operator=(const WholeProcess &) = delete;
};

/// Called first whenever the process is about to end, in whatever way set_exit_observer() lists. It may not wait.
void set_end_hook(void (*hook)());

/// Set before the program starts. Also called when the process exits without the program's exit().
void set_static_destructors(std::function<void()> static_destructors);

} // namespace osr
