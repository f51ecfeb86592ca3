#include "runtime/threads/context_calls.h"

#include "osr-stubs/context.h"
#include "osr-stubs/leave_stack.h"
#include "runtime/machine/context.h"
#include "runtime/process/in_library.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/SmallVector.h>

extern "C" [[noreturn]] void __longjmp_chk(__jmp_buf_tag *, int); // what _FORTIFY_SOURCE makes of longjmp

using namespace llvm;

namespace osr {
namespace {

/// Found before anybody needs them: a handler of a signal may, that has interrupted the linker.
const auto library_swapcontext = in_library(&::swapcontext, "swapcontext");
const auto library_setcontext = in_library(&::setcontext, "setcontext");
const auto library_makecontext = in_library(&::makecontext, "makecontext");
constexpr const char *jump_names[] = {"longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"};
using LibraryJump = void(__jmp_buf_tag *, int);
LibraryJump *const library_jumps[] = {in_library(&::longjmp, jump_names[0]), in_library(&::_longjmp, jump_names[1]),
                                      in_library(&::siglongjmp, jump_names[2]),
                                      in_library(&::__longjmp_chk, jump_names[3])};

/// The made stack on which this thread was when it was last told of a change; its record is never freed.
constinit thread_local ProgramThread *made_stack __attribute__((tls_model("initial-exec"))) = nullptr;

/// Not inlined: behind a change this may be another thread, so the address of the variable must not be known from before.
[[gnu::noinline]] ProgramThread *stack_as_told() { return made_stack; }
[[gnu::noinline]] void be_on(ProgramThread *stack) {
  made_stack = stack && stack->may_be_gone ? stack : nullptr;
  if (stack && !made_stack && stack != ThreadRegistry::current()) // another thread's own
    process_threads().lose_stacks();
}

ProgramThread *find_made(std::uint64_t sp) {
  Undisturbed undisturbed;
  Lock lock(process_threads().mutex());
  return process_threads().made().find(sp);
}

/// Null: nobody knows it. Another thread's own is not known either.
ProgramThread *stack_at(ProgramThread &thread, std::uint64_t sp) {
  if (ProgramThread *told = stack_as_told(); told && told->is_own_stack(sp))
    return told;
  return thread.is_own_stack(sp) ? &thread : find_made(sp);
}

bool is_on_alternate(std::uint64_t sp) {
  stack_t alternate{};
  return sigaltstack(nullptr, &alternate) == 0 && !(alternate.ss_flags & SS_DISABLE) &&
         sp - reinterpret_cast<std::uint64_t>(alternate.ss_sp) < alternate.ss_size;
}

/// Control is about to go to another place than one of this file's: who will be there is not told. Nothing of the stack counts that was
/// known from when it was left.
void go_untold(ProgramThread *there, std::uint64_t sp) {
  if (!there && !is_on_alternate(sp))
    return process_threads().lose_stacks();
  if (there)
    there->left_at.store(nullptr, std::memory_order_relaxed);
  be_on(there);
}

bool is_told(const ucontext_t &context) {
  const std::uintptr_t pc = arch::from_context(context).pc;
  return pc == reinterpret_cast<std::uintptr_t>(osr_swap_context_return) ||
         pc == reinterpret_cast<std::uintptr_t>(&osr_begin_context);
}

/// As all calls that take a set of signals.
void keep_stop_signal(const ucontext_t *context) {
  if (const int number = stop_signal(); number && sigismember(&context->uc_sigmask, number) == 1)
    sigdelset(&const_cast<ucontext_t *>(context)->uc_sigmask, number);
}

/// Calls `go`, which changes from this stack to another one, and comes back only if that fails.
void leave(ProgramThread *here, function_ref<void()> go) {
  struct Left {
    ProgramThread *here;
    function_ref<void()> go;
    OutsideRegisters registers;
  } left{here, go, {}};
  const auto say_and_go = [](void *argument) {
    auto &left = *static_cast<Left *>(argument);
    const OutsideRegisters *before = nullptr;
    if (left.here)
      before = left.here->left_at.exchange(&left.registers, std::memory_order_relaxed);
    left.go();
    if (left.here)
      left.here->left_at.store(before, std::memory_order_relaxed);
  };
  osr_leave_stack(say_and_go, &left, &left.registers);
}

void context_begins(std::uint64_t cfa) {
  ProgramThread *stack = nullptr;
  {
    Undisturbed undisturbed;
    Lock lock(process_threads().mutex());
    MadeStacks &made = process_threads().made();
    if (made.begin(cfa, reinterpret_cast<std::uint64_t>(osr_begin_context_return)))
      stack = made.find(cfa - 1);
  }
  if (!stack)
    process_threads().lose_stacks();
  be_on(stack);
}

void context_ends(const ucontext_t *next) {
  be_on(nullptr);
  {
    Undisturbed undisturbed;
    Lock lock(process_threads().mutex());
    process_threads().made().end(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  }
  if (next)
    contexts::setcontext(next);
}

constexpr ContextBeginning beginning{.begins = context_begins, .ends = context_ends};

void program_makecontext(ucontext_t *context, void (*function)(), int count, ...) {
  va_list arguments;
  va_start(arguments, count);
  contexts::makecontext(context, function, count, arguments);
  va_end(arguments);
}

template <contexts::Jump Which> [[noreturn]] void program_jump(__jmp_buf_tag *place, int value) {
  contexts::jump(Which, place, value);
}
template <contexts::Jump Which> AbsoluteSymbol jump_symbol() {
  return symbol_of(jump_names[unsigned(Which)], program_jump<Which>);
}

} // namespace

const ProgramThread &stack_around(std::uint64_t sp) {
  ProgramThread *told = stack_as_told();
  return told && told->is_own_stack(sp) ? *told : *ThreadRegistry::current();
}

int contexts::swapcontext(ucontext_t *left, const ucontext_t *entered) {
  keep_stop_signal(entered);
  ProgramThread *thread = ThreadRegistry::current();
  if (!thread)
    return library_swapcontext(left, entered);
  ProgramThread *here = stack_at(*thread, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  if (!is_told(*entered)) {
    const std::uint64_t sp = arch::from_context(*entered).sp;
    go_untold(stack_at(*thread, sp), sp);
  }
  OutsideRegisters registers;
  const OutsideRegisters *nobody = nullptr;
  // Where a handler changes stacks, what it has interrupted may have been about to.
  const OutsideRegisters *before = here ? here->left_at.load(std::memory_order_relaxed) : nullptr;
  static_assert(sizeof here->left_at == sizeof nobody);
  const int result = osr_swap_context(library_swapcontext, left, entered, &registers,
                                      here ? reinterpret_cast<const OutsideRegisters **>(&here->left_at) : &nobody);
  if (here)
    here->left_at.store(before, std::memory_order_relaxed);
  be_on(here);
  return result;
}

int contexts::setcontext(const ucontext_t *entered) {
  keep_stop_signal(entered);
  ProgramThread *thread = ThreadRegistry::current();
  if (!thread)
    return library_setcontext(entered);
  ProgramThread *here = stack_at(*thread, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  if (!is_told(*entered)) {
    const std::uint64_t sp = arch::from_context(*entered).sp;
    ProgramThread *there = stack_at(*thread, sp);
    if (there && there == here) // as by longjmp
      return library_setcontext(entered);
    go_untold(there, sp);
  }
  int result = 0;
  leave(here, [&] { result = library_setcontext(entered); });
  be_on(here);
  return result;
}

void contexts::jump(Jump which, __jmp_buf_tag *place, int value) {
  LibraryJump *const library = library_jumps[unsigned(which)];
  ProgramThread *thread = ThreadRegistry::current();
  if (thread && process_threads().has_made_stacks()) {
    const std::uint64_t sp = arch::landing_sp(*place);
    ProgramThread *here = stack_at(*thread, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    ProgramThread *there = stack_at(*thread, sp);
    if (!there || there != here) {
      go_untold(there, sp);
      leave(here, [&] { library(place, value); });
    }
  }
  library(place, value);
  __builtin_unreachable();
}

void contexts::makecontext(ucontext_t *context, void (*function)(), int count, va_list arguments) {
  library_makecontext(context, function, 0);
  Undisturbed undisturbed;
  SmallVector<std::uint64_t, 16> values;
  for (int i = 0; i < count; ++i)
    values.push_back(std::uint64_t(va_arg(arguments, long))); // which may be pointers
  arch::begin_context(*context, reinterpret_cast<std::uintptr_t>(&osr_begin_context),
                      reinterpret_cast<std::uintptr_t>(function), reinterpret_cast<std::uintptr_t>(context->uc_link),
                      reinterpret_cast<std::uintptr_t>(&beginning), values);
  const auto low = reinterpret_cast<std::uint64_t>(context->uc_stack.ss_sp);
  if (!process_threads().make_stack({low, low + context->uc_stack.ss_size},
                                    reinterpret_cast<std::uint64_t>(__builtin_frame_address(0))))
    process_threads().lose_stacks();
}

std::vector<AbsoluteSymbol> context_call_symbols() {
  return {symbol_of("swapcontext", contexts::swapcontext), symbol_of("setcontext", contexts::setcontext),
          symbol_of("makecontext", program_makecontext),   jump_symbol<contexts::Jump::Long>(),
          jump_symbol<contexts::Jump::LongWithoutMask>(),  jump_symbol<contexts::Jump::Signal>(),
          jump_symbol<contexts::Jump::Checked>()};
}

} // namespace osr
