// osr_switch_stack(left, entered), osr_begin_stack; see osr-stubs/switch_stack.h.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_switch_stack
        .type   osr_switch_stack, @function
        .p2align 4
osr_switch_stack:
        .cfi_startproc
        save_outside_registers rdi
        stmxcsr [rdi + OSR_CONTEXT_VECTOR_CONTROL]
        fnstcw  [rdi + OSR_CONTEXT_SCALAR_CONTROL]
        ldmxcsr [rsi + OSR_CONTEXT_VECTOR_CONTROL]
        fldcw   [rsi + OSR_CONTEXT_SCALAR_CONTROL]
        mov     rbx, [rsi + OSR_OUTSIDE_SAVED]
        mov     rbp, [rsi + OSR_OUTSIDE_SAVED + 8]
        mov     r12, [rsi + OSR_OUTSIDE_SAVED + 16]
        mov     r13, [rsi + OSR_OUTSIDE_SAVED + 24]
        mov     r14, [rsi + OSR_OUTSIDE_SAVED + 32]
        mov     r15, [rsi + OSR_OUTSIDE_SAVED + 40]
        mov     rsp, [rsi + OSR_OUTSIDE_SP]
        jmp     [rsi + OSR_OUTSIDE_PC]
        .cfi_endproc
        .size   osr_switch_stack, . - osr_switch_stack

        .globl  osr_begin_stack
        .type   osr_begin_stack, @function
        .p2align 4
osr_begin_stack:
        .cfi_startproc
        .cfi_undefined rip                      // the outermost frame
        mov     rdi, rbx
        call    rbp
        ud2
        .cfi_endproc
        .size   osr_begin_stack, . - osr_begin_stack

        .section .note.GNU-stack, "", @progbits
