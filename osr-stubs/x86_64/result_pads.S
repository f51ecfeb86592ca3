// Result pads: T osr_result_pad_*(ptr state_buffer, i64 result_area_offset). See osr-stubs/result_area.h.
// Leaf functions without a frame: CFA = rsp + 8 throughout, which is what .cfi_startproc says.
#include "osr-stubs/x86_64/stub_offsets.h"

        .intel_syntax noprefix
        .text

        // rdi + rsi is the result area. rax, rdx and rcx are cheap, so every pad loads them.
        .macro load_general
        mov     rax, [rdi + rsi + OSR_RESULT_RAX]
        mov     rdx, [rdi + rsi + OSR_RESULT_RDX]
        mov     rcx, [rdi + rsi + OSR_RESULT_RCX]
        .endm

        // st1 first, so that st0 ends on top.
        .macro load_x87 count
        .if \count == 2
        fld     tbyte ptr [rdi + rsi + OSR_RESULT_ST1]
        .endif
        .if \count >= 1
        fld     tbyte ptr [rdi + rsi + OSR_RESULT_ST0]
        .endif
        .endm

        .macro load_vectors instruction, register
        \instruction \register\()0, [rdi + rsi + OSR_RESULT_VECTOR]
        \instruction \register\()1, [rdi + rsi + OSR_RESULT_VECTOR + OSR_RESULT_VECTOR_STRIDE]
        \instruction \register\()2, [rdi + rsi + OSR_RESULT_VECTOR + 2 * OSR_RESULT_VECTOR_STRIDE]
        \instruction \register\()3, [rdi + rsi + OSR_RESULT_VECTOR + 3 * OSR_RESULT_VECTOR_STRIDE]
        .endm

        .macro pad name, width, count
        .globl  osr_result_pad_\name
        .type   osr_result_pad_\name, @function
        .p2align 4
osr_result_pad_\name:
        .cfi_startproc
        load_general
        load_x87 \count
        .if \width == 16
        load_vectors movups, xmm
        .elseif \width == 32
        load_vectors vmovups, ymm
        .elseif \width == 64
        load_vectors vmovups, zmm
        .endif
        ret
        .cfi_endproc
        .size   osr_result_pad_\name, . - osr_result_pad_\name
        .endm

        pad     general, 0, 0
        pad     x87_1, 0, 1
        pad     x87_2, 0, 2
        pad     vector16, 16, 0
        pad     vector16_x87_1, 16, 1
        pad     vector16_x87_2, 16, 2
        pad     vector32, 32, 0
        pad     vector32_x87_1, 32, 1
        pad     vector32_x87_2, 32, 2
        pad     vector64, 64, 0
        pad     vector64_x87_1, 64, 1
        pad     vector64_x87_2, 64, 2

        .section .note.GNU-stack, "", @progbits
