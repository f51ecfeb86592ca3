// Calls into pads and hooks with every register known; see stubs_entry_test.cpp.
#include "osr-stubs/stub_offsets.h"

        .intel_syntax noprefix

        .macro push_callee_saved
        .irp    register, rbx, rbp, r12, r13, r14, r15
        push    \register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endr
        .endm
        .macro pop_callee_saved
        .irp    register, r15, r14, r13, r12, rbp, rbx
        pop     \register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endr
        .endm

        // 8 vector registers of the frame at `base`.
        .macro each_vector instruction, register, base, direction
        .irp    index, 0, 1, 2, 3, 4, 5, 6, 7
        .ifc    \direction, store
        \instruction [\base + OSR_ENTRY_VECTOR + \index * 64], \register\()\index
        .else
        \instruction \register\()\index, [\base + OSR_ENTRY_VECTOR + \index * 64]
        .endif
        .endr
        .endm
        .macro vectors base, direction
        cmp     dword ptr [rip + osr_vector_register_bytes], 32
        je      32f
        ja      64f
        each_vector movups, xmm, \base, \direction
        jmp     1f
32:     each_vector vmovups, ymm, \base, \direction
        jmp     1f
64:     each_vector vmovups, zmm, \base, \direction
1:
        .endm

        .text
        .globl  osr_test_call_pad
        .type   osr_test_call_pad, @function
osr_test_call_pad:
        .cfi_startproc
        push_callee_saved
        push    rcx
        .cfi_adjust_cfa_offset 8
        mov     rax, rdi
        mov     rdi, rsi
        mov     rsi, rdx
        mov     rbx, 0x1111111111111111
        mov     rbp, 0x2222222222222222
        mov     r12, 0x3333333333333333
        mov     r13, 0x4444444444444444
        mov     r14, 0x5555555555555555
        mov     r15, 0x6666666666666666
        call    rax
        pop     r11
        .cfi_adjust_cfa_offset -8
        mov     [r11], rax
        mov     [r11 + 8], rdx
        mov     [r11 + 16], rcx
        mov     [r11 + 24], rbx
        mov     [r11 + 32], rbp
        mov     [r11 + 40], r12
        mov     [r11 + 48], r13
        mov     [r11 + 56], r14
        mov     [r11 + 64], r15
        cmp     dword ptr [rip + osr_vector_register_bytes], 32
        je      32f
        ja      64f
        .irp    index, 0, 1, 2, 3
        movups  [r11 + 72 + \index * 64], xmm\index
        .endr
        jmp     1f
32:     .irp    index, 0, 1, 2, 3
        vmovups [r11 + 72 + \index * 64], ymm\index
        .endr
        vzeroupper
        jmp     1f
64:     .irp    index, 0, 1, 2, 3
        vmovups [r11 + 72 + \index * 64], zmm\index
        .endr
        vzeroupper
1:      pop_callee_saved
        ret
        .cfi_endproc

        .globl  osr_test_hooked_call
        .type   osr_test_hooked_call, @function
osr_test_hooked_call:
        .cfi_startproc
        push_callee_saved
        push    rdi
        .cfi_adjust_cfa_offset 8
        mov     r11, rsi
        vectors r11, load
        mov     rdi, [r11 + OSR_ENTRY_RDI]
        mov     rsi, [r11 + OSR_ENTRY_RSI]
        mov     rdx, [r11 + OSR_ENTRY_RDX]
        mov     rcx, [r11 + OSR_ENTRY_RCX]
        mov     r8, [r11 + OSR_ENTRY_R8]
        mov     r9, [r11 + OSR_ENTRY_R9]
        mov     rax, [r11 + OSR_ENTRY_RAX]
        mov     r10, [r11 + OSR_ENTRY_R10]
        mov     rbx, [r11 + OSR_ENTRY_CALLEE_SAVED]
        mov     rbp, [r11 + OSR_ENTRY_CALLEE_SAVED + 8]
        mov     r12, [r11 + OSR_ENTRY_CALLEE_SAVED + 16]
        mov     r13, [r11 + OSR_ENTRY_CALLEE_SAVED + 24]
        mov     r14, [r11 + OSR_ENTRY_CALLEE_SAVED + 32]
        mov     r15, [r11 + OSR_ENTRY_CALLEE_SAVED + 40]
        call    [rsp]
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop_callee_saved
        ret
        .cfi_endproc

        .globl  osr_test_hook_thunk
        .type   osr_test_hook_thunk, @function
osr_test_hook_thunk:
        .cfi_startproc
        mov     r11d, 77
        jmp     osr_entry_hook
        .cfi_endproc

        .globl  osr_test_store_arguments
        .type   osr_test_store_arguments, @function
osr_test_store_arguments:
        .cfi_startproc
        lea     r11, [rip + osr_test_arguments]
        mov     [r11 + OSR_ENTRY_RETURN_PC_SLOT], rsp
        mov     [r11 + OSR_ENTRY_RDI], rdi
        mov     [r11 + OSR_ENTRY_RSI], rsi
        mov     [r11 + OSR_ENTRY_RDX], rdx
        mov     [r11 + OSR_ENTRY_RCX], rcx
        mov     [r11 + OSR_ENTRY_R8], r8
        mov     [r11 + OSR_ENTRY_R9], r9
        mov     [r11 + OSR_ENTRY_RAX], rax
        mov     [r11 + OSR_ENTRY_R10], r10
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED], rbx
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED + 8], rbp
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED + 16], r12
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED + 24], r13
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED + 32], r14
        mov     [r11 + OSR_ENTRY_CALLEE_SAVED + 40], r15
        vectors r11, store
        ret
        .cfi_endproc

        .globl  osr_test_components_in_use
        .type   osr_test_components_in_use, @function
osr_test_components_in_use:
        .cfi_startproc
        mov     ecx, 1
        xgetbv
        vzeroupper
        ret
        .cfi_endproc

        .bss
        .globl  osr_test_arguments
        .p2align 6
osr_test_arguments:
        .zero   OSR_ENTRY_SIZE
        .section .note.GNU-stack, "", @progbits
