// osr_enter_program(pc, first, second, third, base); see osr-stubs/enter_program.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_enter_program
        .type   osr_enter_program, @function
        .p2align 4
osr_enter_program:
        .cfi_startproc
        push    rbp
        .cfi_adjust_cfa_offset 8
        .cfi_offset rbp, -16
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
        mov     [r8 + OSR_BASE_CFA], rsp        // the call pushes the return PC just below
        lea     rax, [rip + 1f]
        mov     [r8 + OSR_BASE_RETURN_PC], rax
        save_kept_registers r8 + OSR_BASE_SAVED
        mov     r11, rdi
        mov     rdi, rsi
        mov     rsi, rdx
        mov     rdx, rcx
        xor     eax, eax
        call    r11
1:      pop     rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size   osr_enter_program, . - osr_enter_program

        .section .note.GNU-stack, "", @progbits
