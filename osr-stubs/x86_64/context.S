// osr_swap_context(swap, left, entered, outside, left_at), osr_begin_context; see osr-stubs/context.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_swap_context, osr_swap_context_return
        .type   osr_swap_context, @function
        .p2align 4
osr_swap_context:
        .cfi_startproc
        save_outside_registers rcx
        mov     [r8], rcx
        sub     rsp, 8
        .cfi_adjust_cfa_offset 8
        mov     rax, rdi
        mov     rdi, rsi
        mov     rsi, rdx
        call    rax
osr_swap_context_return:
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   osr_swap_context, . - osr_swap_context

// The function is in r12, the next context in r13, the ContextBeginning in r15; the top of the stack is what the C library wants to be
// returned to, and behind it are arguments, if there are many.
        .globl  osr_begin_context, osr_begin_context_return
        .type   osr_begin_context, @function
        .p2align 4
osr_begin_context:
        .cfi_startproc
        .cfi_undefined rip                      // the outermost frame
        pop     r14
        mov     rbp, rsp
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    r8
        push    r9
        mov     rdi, rbp
        call    [r15 + OSR_BEGINNING_BEGINS]
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
        call    [r15 + OSR_BEGINNING_ENDS]
        push    r14
        ret
        .cfi_endproc
        .size   osr_begin_context, . - osr_begin_context

        .section .note.GNU-stack, "", @progbits
