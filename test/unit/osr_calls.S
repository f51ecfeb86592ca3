// See osr_calls.h.
#include "test/unit/osr_calls_offsets.h"

        .intel_syntax noprefix
        .text

        .macro push_saved
        .irp    register, r15, r14, r13, r12, rbp, rbx
        push    \register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endr
        .endm

        .macro pop_saved
        .irp    register, rbx, rbp, r12, r13, r14, r15
        pop     \register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endr
        .endm

        .globl  osr_test_guarded_call
        .type   osr_test_guarded_call, @function
osr_test_guarded_call:
        .cfi_startproc
        push_saved
        push    rdi                     // rsp is a multiple of 16 now
        .cfi_adjust_cfa_offset 8
        mov     [rdi + GUARD_CFA], rsp
        lea     rax, [rip + 1f]
        mov     [rdi + GUARD_RETURN_PC], rax
        mov     rax, rdi
        mov     rbx, [rax + GUARD_BEFORE]
        mov     rbp, [rax + GUARD_BEFORE + 8]
        mov     r12, [rax + GUARD_BEFORE + 16]
        mov     r13, [rax + GUARD_BEFORE + 24]
        mov     r14, [rax + GUARD_BEFORE + 32]
        mov     r15, [rax + GUARD_BEFORE + 40]
        mov     rdi, [rax + GUARD_INTEGERS]
        mov     rsi, [rax + GUARD_INTEGERS + 8]
        mov     rdx, [rax + GUARD_INTEGERS + 16]
        movsd   xmm0, [rax + GUARD_REAL]
        call    [rax + GUARD_TARGET]
1:      mov     rdi, [rsp]
        mov     [rdi + GUARD_RESULT], rax
        mov     [rdi + GUARD_AFTER], rbx
        mov     [rdi + GUARD_AFTER + 8], rbp
        mov     [rdi + GUARD_AFTER + 16], r12
        mov     [rdi + GUARD_AFTER + 24], r13
        mov     [rdi + GUARD_AFTER + 32], r14
        mov     [rdi + GUARD_AFTER + 40], r15
        mov     [rdi + GUARD_SP_AFTER], rsp
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop_saved
        ret
        .cfi_endproc
        .size   osr_test_guarded_call, . - osr_test_guarded_call

        .globl  osr_test_probe
        .type   osr_test_probe, @function
osr_test_probe:
        .cfi_startproc
        push_saved
        mov     rsi, rdi
        mov     rdi, rsp                // ProbeFrame
        sub     rsp, 8
        .cfi_adjust_cfa_offset 8
        call    osr_test_probed@PLT
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop_saved
        ret
        .cfi_endproc
        .size   osr_test_probe, . - osr_test_probe

        // Breaks the callee-saved register of index rdi.
        .globl  osr_test_break_register
        .type   osr_test_break_register, @function
osr_test_break_register:
        .cfi_startproc
        .macro break_if index, register
        cmp     rdi, \index
        jne     2f
        not     \register
2:
        .endm
        break_if 0, rbx
        break_if 1, rbp
        break_if 2, r12
        break_if 3, r13
        break_if 4, r14
        break_if 5, r15
        mov     rax, rdi
        ret
        .cfi_endproc
        .size   osr_test_break_register, . - osr_test_break_register

        .section .note.GNU-stack, "", @progbits
