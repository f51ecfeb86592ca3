#include "runtime/threads/context_calls.h"

#include "osr-stubs/context.h"
#include "osr-stubs/leave_stack.h"
#include "osr-stubs/thread_state.h"
#include "runtime/machine/context.h"
#include "runtime/process/in_library.h"
#include "runtime/process/stop_signal.h"
#include "runtime/stack/step.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/SmallVector.h>

#include <atomic>
#include <cstring>

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
  const bool is_own = thread.is_own_stack(sp);
  if (process_threads().has_nested_stacks()) { // then the innermost
    ProgramThread *made = find_made(sp);
    return made && !(is_own && thread.stack_begin > made->stack_begin) ? made : is_own ? &thread : nullptr;
  }
  if (ProgramThread *told = stack_as_told(); told && told->is_own_stack(sp))
    return told;
  return is_own ? &thread : find_made(sp);
}

bool is_on_alternate(std::uint64_t sp) {
  stack_t alternate{};
  return sigaltstack(nullptr, &alternate) == 0 && !(alternate.ss_flags & SS_DISABLE) &&
         sp - reinterpret_cast<std::uint64_t>(alternate.ss_sp) < alternate.ss_size;
}

/// From a stack that nobody knows, or to one.
void lose(std::uint64_t sp) {
  if (!is_on_alternate(sp))
    process_threads().lose_stacks();
}

/// Control is about to go to another place than one of this file's: who will be there is not told. Nothing of the stack counts that was
/// known from when it was left.
void go_untold(ProgramThread *there, std::uint64_t sp) {
  if (!there)
    return lose(sp);
  there->left_at.store(nullptr, std::memory_order_relaxed);
  be_on(there);
}

/// Whether control stays on this stack when it goes to `sp` by what is not told; else it is about to leave.
bool stays_untold(ProgramThread &thread, const ProgramThread *here, std::uint64_t sp) {
  ProgramThread *there = stack_at(thread, sp);
  if (there && there == here)
    return true;
  go_untold(there, sp);
  return false;
}

/// Of which there is another one in each context.
std::uint64_t fresh_token() {
  static std::atomic<std::uint64_t> last{0x6f73722d73776170};
  return last.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) | 1;
}

/// Whether control goes on in a function of this file. A context may be gone back to more than once: the frame in which it was saved is
/// there for the first time only.
bool is_told(const ucontext_t &context) {
  const RegisterSet registers = arch::from_context(context);
  if (registers.pc != reinterpret_cast<std::uintptr_t>(osr_swapcontext_return))
    return registers.pc == reinterpret_cast<std::uintptr_t>(&osr_begin_context);
  const arch::ContextNote note = arch::noted(context);
  // Of another frame: a handler has saved the same context, between the note of this frame and what the C library saved for it.
  if (note.frame != registers.sp || reinterpret_cast<const SwapFrame *>(registers.sp)->token == note.token)
    return true;
  arch::go_on_behind_call(const_cast<ucontext_t &>(context), sizeof(SwapFrame));
  return false;
}

/// As all calls that take a set of signals.
void keep_stop_signal(const ucontext_t *context) {
  if (const int number = stop_signal(); number && sigismember(&context->uc_sigmask, number) == 1)
    sigdelset(&const_cast<ucontext_t *>(context)->uc_sigmask, number);
}

std::atomic<std::uint64_t> leaving_pc = 0; ///< of leave()

/// Calls `go`, which changes from this stack to another one, and comes back only if that fails. Not inlined: there is one place in it
/// with which walks begin.
[[gnu::noinline]] void leave(ProgramThread *here, function_ref<void()> go) {
  struct Left {
    ProgramThread *here;
    function_ref<void()> go;
    OutsideRegisters registers;
  } left{here, go, {}};
  const auto say_and_go = [](void *argument) {
    auto &left = *static_cast<Left *>(argument);
    leaving_pc.store(left.registers.pc, std::memory_order_relaxed);
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
    stack = process_threads().made().begin(cfa, reinterpret_cast<std::uint64_t>(osr_begin_context_return));
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
    process_threads().made().end(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)), next != nullptr);
  }
  if (next)
    contexts::setcontext(next);
}

/// The handler of a signal may leave what it has interrupted between a stub and a continuation, on whose way values wait on the object
/// stack. Others need that: so they are put aside.
void put_state_aside(SwapFrame &frame, const ProgramThread &thread) {
  char *top = osr_object_stack_top;
  frame.kept_bytes = std::uint64_t(thread.objects->base() - top);
  if (frame.kept_bytes == 0)
    return;
  Undisturbed undisturbed;
  frame.kept = new char[frame.kept_bytes];
  std::memcpy(frame.kept, top, frame.kept_bytes);
  osr_object_stack_top = thread.objects->base();
}

/// Not inlined: this may be another thread, where the addresses that the stub has used are those of no object stack.
[[gnu::noinline]] void put_state_back(SwapFrame &frame) {
  const ProgramThread *thread = ThreadRegistry::current();
  if (frame.kept_bytes == 0 || !thread)
    return;
  Undisturbed undisturbed;
  osr_object_stack_top = thread->objects->base() - frame.kept_bytes;
  std::memcpy(osr_object_stack_top, frame.kept, frame.kept_bytes);
  delete[] frame.kept;
  frame.kept_bytes = 0;
}

void leave_context(SwapFrame *frame) {
  const auto address = reinterpret_cast<std::uint64_t>(frame);
  keep_stop_signal(frame->entered);
  frame->token = fresh_token();
  arch::note(*frame->left, {address, frame->token, load_word(address + sizeof(SwapFrame))});
  frame->before = nullptr;
  frame->here = nullptr;
  frame->kept_bytes = 0;
  ProgramThread *thread = ThreadRegistry::current();
  if (!thread)
    return;
  put_state_aside(*frame, *thread);
  frame->here = stack_at(*thread, address);
  if (!is_told(*frame->entered))
    (void)stays_untold(*thread, frame->here, arch::from_context(*frame->entered).sp);
  if (!frame->here)
    return lose(address);
  // Where a handler changes stacks, what it has interrupted may have been about to.
  frame->before = frame->here->left_at.exchange(&frame->registers, std::memory_order_relaxed);
}

void be_back_in_context(SwapFrame *frame) {
  frame->token = 0;
  if (frame->here)
    frame->here->left_at.store(frame->before, std::memory_order_relaxed);
  be_on(frame->here);
  put_state_back(*frame);
}

const bool are_calls_set = [] {
  osr_context_calls = {.leaves = leave_context,
                       .swap = library_swapcontext,
                       .is_back = be_back_in_context,
                       .begins = context_begins,
                       .ends = context_ends};
  return true;
}();

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

bool is_pc_of_leaving(std::uint64_t pc) {
  return pc == reinterpret_cast<std::uint64_t>(osr_swapcontext_return) ||
         (pc != 0 && pc == leaving_pc.load(std::memory_order_relaxed));
}

const ProgramThread &stack_around(std::uint64_t sp) {
  ProgramThread *told = stack_as_told();
  return told && told->is_own_stack(sp) ? *told : *ThreadRegistry::current();
}

int contexts::setcontext(const ucontext_t *entered) {
  keep_stop_signal(entered);
  ProgramThread *thread = ThreadRegistry::current();
  if (!thread)
    return library_setcontext(entered);
  ProgramThread *here = stack_at(*thread, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  if (!is_told(*entered) && stays_untold(*thread, here, arch::from_context(*entered).sp))
    return library_setcontext(entered);
  int result = 0;
  leave(here, [&] { result = library_setcontext(entered); });
  be_on(here);
  return result;
}

void contexts::jump(Jump which, __jmp_buf_tag *place, int value) {
  LibraryJump *const library = library_jumps[unsigned(which)];
  ProgramThread *thread = ThreadRegistry::current();
  if (thread && process_threads().has_made_stacks()) {
    ProgramThread *here = stack_at(*thread, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    if (!stays_untold(*thread, here, arch::landing_sp(*place)))
      leave(here, [&] { library(place, value); });
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
                      values);
  const auto low = reinterpret_cast<std::uint64_t>(context->uc_stack.ss_sp);
  if (!process_threads().make_stack({low, low + context->uc_stack.ss_size},
                                    reinterpret_cast<std::uint64_t>(__builtin_frame_address(0))))
    process_threads().lose_stacks();
}

std::vector<AbsoluteSymbol> context_call_symbols() {
  return {symbol_of("swapcontext", osr_swapcontext),      symbol_of("setcontext", contexts::setcontext),
          symbol_of("makecontext", program_makecontext),  jump_symbol<contexts::Jump::Long>(),
          jump_symbol<contexts::Jump::LongWithoutMask>(), jump_symbol<contexts::Jump::Signal>(),
          jump_symbol<contexts::Jump::Checked>()};
}

} // namespace osr
