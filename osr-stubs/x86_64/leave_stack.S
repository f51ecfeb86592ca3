// osr_leave_stack(function, argument, outside); see osr-stubs/leave_stack.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_leave_stack
        .type   osr_leave_stack, @function
        .p2align 4
osr_leave_stack:
        .cfi_startproc
        save_outside_registers rdx
        sub     rsp, 8
        .cfi_adjust_cfa_offset 8
        mov     rax, rdi
        mov     rdi, rsi
        call    rax
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   osr_leave_stack, . - osr_leave_stack

        .section .note.GNU-stack, "", @progbits
