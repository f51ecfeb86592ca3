// The C library's functions that change stacks, as the program and its libraries get them: they say which stacks there are, and with
// which registers one was left (made_stacks.h).
//
// A context that was saved by swapcontext goes on in these functions, and one that was made begins in them. Only what goes on elsewhere,
// a context of getcontext's or a place of setjmp's on another stack, has to be seen before; and whoever goes to a stack that nobody knows
// says that there are stacks nobody can find: then all code is kept.
#pragma once

#include "runtime/code/code_session.h"

#include <csetjmp>
#include <cstdarg>
#include <ucontext.h>
#include <vector>

namespace osr {

struct ProgramThread;

std::vector<AbsoluteSymbol> context_call_symbols();

/// Beside osr_swapcontext (osr-stubs/context.h).
namespace contexts {

int setcontext(const ucontext_t *entered);
void makecontext(ucontext_t *context, void (*function)(), int count, va_list arguments);
/// longjmp's family.
enum class Jump : unsigned char { Long, LongWithoutMask, Signal, Checked };
[[noreturn]] void jump(Jump which, __jmp_buf_tag *place, int value);

} // namespace contexts

/// Of the registers with which a stack was left: whether that was done here. Frames of ours are trusted only behind one that is not.
bool is_pc_of_leaving(std::uint64_t pc);

/// Of the calling thread of the program: the stack around `sp`, as far as that is known; else its own.
const ProgramThread &stack_around(std::uint64_t sp);

} // namespace osr
