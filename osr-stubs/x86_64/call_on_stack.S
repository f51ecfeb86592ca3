// osr_call_on_stack(function, argument, top, outside); see osr-stubs/call_on_stack.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_call_on_stack
        .type   osr_call_on_stack, @function
        .p2align 4
osr_call_on_stack:
        .cfi_startproc
        save_outside_registers rcx
        push    rbp
        .cfi_adjust_cfa_offset 8
        .cfi_offset rbp, -16
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
        mov     rsp, rdx
        mov     rax, rdi
        mov     rdi, rsi
        call    rax
        mov     rsp, rbp
        pop     rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size   osr_call_on_stack, . - osr_call_on_stack

        .section .note.GNU-stack, "", @progbits
