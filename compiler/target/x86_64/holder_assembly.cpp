#include "compiler/target/holder_assembly.h"

#include <fmt/format.h>

#include <llvm/Support/MathExtras.h>

namespace osr {

// A holder finds the body in r11 and on the stack, and the bytes of room in rax; the arguments of the function that is called
// are where the caller has put them. r10 is free, except in a function with a static chain (plain).
//
//      caller: call F                  -> F's entry: push body; rax <- room
//      jmp                             -> holder
//        push rbp; rbp <- rsp; push rbx, r12 to r15; rsp <- - room; call body
//        leave; forget the body; ret   -> caller
//
// The registers that it pushes are not restored, for the body keeps them. They are there to be seen: what callers hold in them
// would else be found only in the frame of the body, below the objects, by nobody who scans from an object upwards.
//
// The body stands at CFA-16 (holder_body_cfa_offset): nothing else may tell that a thread is about to enter it, and it must not
// be freed then. Once it has been entered, the word means nothing.
//
// *Dead holders go.* Who is entered with a return PC into a holder was not called by the program: a body made a tail call,
// which it does only when its objects are dead, or a stub has put a continuation in a body's place. In both cases frames would
// pile up, one for each tail call of a chain, or one for each time that a frame goes to a continuation which inlines objects.
// So entries take such a holder down before they make their own. Continuations do so only with holders of continuations: what
// these hold belongs to inlined calls and is dead when the frame consists of the outer function alone, while the holder
// of the function has the objects that live on. Where a shadow stack remembers the holder, it stays.
namespace {

constexpr const char *make_frame = R"(	pushq %rbp
	.cfi_def_cfa_offset 24
	.cfi_offset %rbp, -24
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq %rax, %rsp)";

constexpr const char *leave_frame = R"(	leave
	.cfi_def_cfa %rsp, 16
	.cfi_same_value %rbp
	addq $8, %rsp
	.cfi_def_cfa_offset 8
	retq
	.cfi_def_cfa_offset 16)";

/// The holder that is returned to goes, unless a shadow stack remembers it.
std::string take_down(const char *keep, const char *again) {
  return fmt::format(R"(	xorl %r10d, %r10d
	rdsspq %r10
	testq %r10, %r10
	jne {keep}
	movq %r11, 8(%rbp)
	leave
	jmp {again})",
                     fmt::arg("keep", keep), fmt::arg("again", again));
}

std::string begin_function(const char *name) {
  return fmt::format(R"(	.p2align 4
	.globl {name}
	.type {name},@function
{name}:
	.cfi_startproc
	.cfi_def_cfa_offset 16
)",
                     fmt::arg("name", name));
}

std::string end_function(const char *name) {
  return fmt::format(R"(	.cfi_endproc
	.size {name}, . - {name}
)",
                     fmt::arg("name", name));
}

/// Also its way in without a look at the return PC.
std::string plain_holder() {
  return begin_function("osr.object.holder") +
         fmt::format(R"(.Losr.holder.again:
	leaq .Losr.holder.return(%rip), %r10
	cmpq %r10, 8(%rsp)
	je .Losr.holder.dead
	leaq .Losr.holder.continuation.return(%rip), %r10
	cmpq %r10, 8(%rsp)
	je .Losr.holder.dead
	.globl osr.object.holder.plain
osr.object.holder.plain:
.Losr.holder.plain:
{make_frame}
.Losr.holder.call:
	callq *%r11
.Losr.holder.return:
{leave_frame}
.Losr.holder.dead:
{take_down}
)",
                     fmt::arg("make_frame", make_frame), fmt::arg("leave_frame", leave_frame),
                     fmt::arg("take_down", take_down(".Losr.holder.plain", ".Losr.holder.again"))) +
         end_function("osr.object.holder");
}

/// r10: how many bytes of arguments it copies.
std::string arguments_holder() {
  return begin_function("osr.object.holder.arguments") + make_frame + R"(
.Losr.holder.argument:
	pushq 16(%rbp,%r10)
	subq $8, %r10
	jne .Losr.holder.argument
	jmp .Losr.holder.call
)" + end_function("osr.object.holder.arguments");
}

std::string continuation_holder() {
  return begin_function("osr.object.holder.continuation") +
         fmt::format(
             R"(.Losr.holder.continuation.again:
	leaq .Losr.holder.continuation.return(%rip), %r10
	cmpq %r10, 8(%rsp)
	je .Losr.holder.continuation.dead
.Losr.holder.continuation.enter:
{make_frame}
	callq *%r11
.Losr.holder.continuation.return:
{leave_frame}
.Losr.holder.continuation.dead:
{take_down}
)",
             fmt::arg("make_frame", make_frame), fmt::arg("leave_frame", leave_frame),
             fmt::arg("take_down", take_down(".Losr.holder.continuation.enter", ".Losr.holder.continuation.again"))) +
         end_function("osr.object.holder.continuation");
}

const char *holder_for(const HolderEntry &entry) {
  if (entry.argument_bytes != 0)
    return "osr.object.holder.arguments";
  if (entry.has_chain) // its register is the one that is free
    return "osr.object.holder.plain";
  return entry.continues ? "osr.object.holder.continuation" : "osr.object.holder";
}

} // namespace

std::string holder_assembly() {
  return "\n\t.section .text.osr.object.holder,\"ax\",@progbits\n" + plain_holder() + "\n" + arguments_holder() + "\n" +
         continuation_holder() + "\t.text\n";
}

std::string holder_entry_assembly(const HolderEntry &entry) {
  const bool is_short = llvm::isUInt<32>(entry.room); // the holder has pushed an even number of words
  std::string text = fmt::format("leaq .L{}(%rip), %r11\n\tpushq %r11\n\t.cfi_adjust_cfa_offset 8\n\t"
                                 "{} $${}, {}\n\t",
                                 entry.body, is_short ? "movl" : "movabsq", entry.room, is_short ? "%eax" : "%rax");
  if (entry.argument_bytes != 0)
    text += fmt::format("movl $${}, %r10d\n\t", entry.argument_bytes);
  return text + "jmp " + holder_for(entry);
}

} // namespace osr
