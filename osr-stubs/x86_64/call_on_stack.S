// osr_call_on_stack(function, argument, top, outside); see osr-stubs/call_on_stack.h.
#include "osr-stubs/stub_offsets.h"

        .intel_syntax noprefix
        .text
        .globl  osr_call_on_stack
        .type   osr_call_on_stack, @function
        .p2align 4
osr_call_on_stack:
        .cfi_startproc
        mov     rax, [rsp]                      // registers as the caller sees them behind this call
        mov     [rcx + OSR_OUTSIDE_PC], rax
        lea     rax, [rsp + 8]
        mov     [rcx + OSR_OUTSIDE_SP], rax
        mov     [rcx + OSR_OUTSIDE_SAVED], rbx
        mov     [rcx + OSR_OUTSIDE_SAVED + 8], rbp
        mov     [rcx + OSR_OUTSIDE_SAVED + 16], r12
        mov     [rcx + OSR_OUTSIDE_SAVED + 24], r13
        mov     [rcx + OSR_OUTSIDE_SAVED + 32], r14
        mov     [rcx + OSR_OUTSIDE_SAVED + 40], r15
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
