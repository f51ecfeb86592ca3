// Calls into pads and hooks with every register known; see stubs_entry_test.cpp.
#include "osr-stubs/x86_64/stub_offsets.h"

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

        // Every register but rsp is as in the MachineRegisters at rsi when the function at rdi is called.
        .globl  osr_test_hooked_call
        .type   osr_test_hooked_call, @function
osr_test_hooked_call:
        .cfi_startproc
        push_callee_saved
        push    rdi
        .cfi_adjust_cfa_offset 8
        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        xrstor64 [rsi + 128]
        mov     rax, [rsi + 0]
        mov     rcx, [rsi + 8]
        mov     rdx, [rsi + 16]
        mov     rdi, [rsi + 32]
        mov     r8, [rsi + 40]
        mov     r9, [rsi + 48]
        mov     r10, [rsi + 56]
        mov     r11, [rsi + 64]
        mov     rbx, [rsi + 72]
        mov     rbp, [rsi + 80]
        mov     r12, [rsi + 88]
        mov     r13, [rsi + 96]
        mov     r14, [rsi + 104]
        mov     r15, [rsi + 112]
        mov     rsi, [rsi + 24]
        call    [rsp]
        fninit
        ldmxcsr [rip + default_mxcsr]
        cmp     dword ptr [rip + osr_vector_register_bytes], 16
        je      1f
        vzeroupper
1:
        add     rsp, 8
        .cfi_adjust_cfa_offset -8
        pop_callee_saved
        ret
        .cfi_endproc

        .globl  osr_test_hook_thunk
        .type   osr_test_hook_thunk, @function
osr_test_hook_thunk:
        .cfi_startproc
        mov     qword ptr [rsp - 16], 77
        push    [rip + osr_test_hook]
        pop     [rsp - 24]
        jmp     osr_entry_hook
        .cfi_endproc

        .globl  osr_test_store_registers
        .type   osr_test_store_registers, @function
osr_test_store_registers:
        .cfi_startproc
        mov     [rip + osr_test_registers + 0], rax
        mov     [rip + osr_test_registers + 8], rcx
        mov     [rip + osr_test_registers + 16], rdx
        mov     [rip + osr_test_registers + 24], rsi
        mov     [rip + osr_test_registers + 32], rdi
        mov     [rip + osr_test_registers + 40], r8
        mov     [rip + osr_test_registers + 48], r9
        mov     [rip + osr_test_registers + 56], r10
        mov     [rip + osr_test_registers + 64], r11
        mov     [rip + osr_test_registers + 72], rbx
        mov     [rip + osr_test_registers + 80], rbp
        mov     [rip + osr_test_registers + 88], r12
        mov     [rip + osr_test_registers + 96], r13
        mov     [rip + osr_test_registers + 104], r14
        mov     [rip + osr_test_registers + 112], r15
        mov     [rip + osr_test_registers + 120], rsp
        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        xsave64 [rip + osr_test_registers + 128]
        mov     rax, [rip + osr_test_registers]
        ret
        .cfi_endproc

        .section .rodata
default_mxcsr:
        .long   0x1f80
        .bss
        .globl  osr_test_registers
        .p2align 6
osr_test_registers:
        .zero   128 + 4096
        .section .note.GNU-stack, "", @progbits
