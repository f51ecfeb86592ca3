// osr_swapcontext(left, entered), osr_begin_context; see osr-stubs/context.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_swapcontext, osr_swapcontext_return
        .type   osr_swapcontext, @function
        .p2align 4
// Only what nobody minds is changed before the C library saves the registers of who has called.
osr_swapcontext:
        .cfi_startproc
        sub     rsp, OSR_SWAP_SIZE
        .cfi_adjust_cfa_offset OSR_SWAP_SIZE
        lea     rax, [rip + osr_swapcontext_return]
        mov     [rsp + OSR_OUTSIDE_PC], rax
        mov     [rsp + OSR_OUTSIDE_SP], rsp
        save_kept_registers rsp + OSR_OUTSIDE_SAVED
        mov     [rsp + OSR_SWAP_LEFT], rdi
        mov     [rsp + OSR_SWAP_ENTERED], rsi
        mov     rdi, rsp
        call    [rip + osr_context_calls + OSR_CONTEXT_LEAVES]
        mov     rdi, [rsp + OSR_SWAP_LEFT]
        mov     rsi, [rsp + OSR_SWAP_ENTERED]
        call    [rip + osr_context_calls + OSR_CONTEXT_SWAP]
osr_swapcontext_return:
        mov     [rsp + OSR_SWAP_LEFT], rax
        mov     rdi, rsp
        call    [rip + osr_context_calls + OSR_CONTEXT_IS_BACK]
        mov     rax, [rsp + OSR_SWAP_LEFT]
        add     rsp, OSR_SWAP_SIZE
        .cfi_adjust_cfa_offset -OSR_SWAP_SIZE
        ret
        .cfi_endproc
        .size   osr_swapcontext, . - osr_swapcontext

// The function is in r12, the next context in r13, and in r14 what the C library wants to be returned to. The top of the stack is room for
// a return PC, and behind it are arguments, if there are many: a context may begin again, so nothing is taken from there.
        .globl  osr_begin_context, osr_begin_context_return
        .type   osr_begin_context, @function
        .p2align 4
osr_begin_context:
        .cfi_startproc
        .cfi_undefined rip                      // the outermost frame
        add     rsp, 8
        mov     rbp, rsp
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    r8
        push    r9
        mov     rdi, rbp
        call    [rip + osr_context_calls + OSR_CONTEXT_BEGINS]
        pop     r9
        pop     r8
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        xor     ebp, ebp
        xor     eax, eax
        call    r12
osr_begin_context_return:
        mov     rdi, r13
        call    [rip + osr_context_calls + OSR_CONTEXT_ENDS]
        push    r14
        ret
        .cfi_endproc
        .size   osr_begin_context, . - osr_begin_context

        .hidden osr_context_calls
        .globl  osr_context_calls
        .bss
        .p2align 3
        .type   osr_context_calls, @object
        .size   osr_context_calls, 40
osr_context_calls:
        .zero   40

        .section .note.GNU-stack, "", @progbits
