// The entry hook; see osr-stubs/entry_hook.h. It has an ordinary frame, so unwinders pass through it:
//
//      | return PC of the caller | <- rsp at entry (16-byte aligned plus 8)
//      | EntryFrame: target      |    CFA-16: stays valid in the red zone until the jump, so that whoever stops this
//      |                         |    thread sees at every instruction where it is going
//      | EntryFrame: function    |    CFA-24: written by the thunk, in the red zone
//      | EntryFrame: hook        |    CFA-32: written on the way from there
//      |             ...         | <- rbp (16-byte aligned)
//      | (gap up to 63 bytes)    |
//      | XSAVE image, 64-aligned | <- rsp at the call
//
// No register may change: which of them carry arguments, and which the callee keeps for its caller, depends on the
// function's convention.
#include "osr-stubs/x86_64/stub_offsets.h"

#define FRAME_BYTES OSR_ENTRY_SIZE

        .intel_syntax noprefix
        .text
        .globl  osr_entry_hook
        .type   osr_entry_hook, @function
        .p2align 4
osr_entry_hook:
        .cfi_startproc
        lea     rsp, [rsp - FRAME_BYTES]
        .cfi_adjust_cfa_offset FRAME_BYTES
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 8], rbp
        .cfi_rel_offset rbp, OSR_ENTRY_CALLEE_SAVED + 8
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
        mov     [rbp + OSR_ENTRY_GENERAL], rax
        mov     [rbp + OSR_ENTRY_GENERAL + 8], rcx
        mov     [rbp + OSR_ENTRY_GENERAL + 16], rdx
        mov     [rbp + OSR_ENTRY_GENERAL + 24], rsi
        mov     [rbp + OSR_ENTRY_GENERAL + 32], rdi
        mov     [rbp + OSR_ENTRY_GENERAL + 40], r8
        mov     [rbp + OSR_ENTRY_GENERAL + 48], r9
        mov     [rbp + OSR_ENTRY_GENERAL + 56], r10
        mov     [rbp + OSR_ENTRY_GENERAL + 64], r11
        mov     [rbp + OSR_ENTRY_CALLEE_SAVED], rbx
        mov     [rbp + OSR_ENTRY_CALLEE_SAVED + 16], r12
        mov     [rbp + OSR_ENTRY_CALLEE_SAVED + 24], r13
        mov     [rbp + OSR_ENTRY_CALLEE_SAVED + 32], r14
        mov     [rbp + OSR_ENTRY_CALLEE_SAVED + 40], r15
        lea     rax, [rbp + FRAME_BYTES]
        mov     [rbp + OSR_ENTRY_RETURN_PC_SLOT], rax
        mov     rdi, rbp

        // Vector, mask and x87 registers. What is not in use is not taken into use: the processor notes that in the image.
        mov     ecx, [rip + osr_extended_state_bytes]
        sub     rsp, rcx
        and     rsp, -64
        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        test    eax, eax
        jz      1f
        // XSAVE leaves most of the image's header as it is, and XRSTOR faults unless that is zero.
        .irp    offset, 0, 8, 16, 24, 32, 40, 48, 56
        mov     [rsp + 512 + \offset], rdx
        .endr
        xsave64 [rsp]
        jmp     2f
1:      fxsave64 [rsp]
2:      fninit                          // C++ code expects an empty x87 stack,
        ldmxcsr [rip + default_mxcsr]   // and not to be interrupted by what the program asked to be told

        call    osr_entry_hook_target
        mov     [rbp + OSR_ENTRY_TARGET], rax

        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        test    eax, eax
        jz      3f
        xrstor64 [rsp]
        jmp     4f
3:      fxrstor64 [rsp]
4:      mov     rsp, rbp
        .cfi_def_cfa_register rsp
        mov     rax, [rsp + OSR_ENTRY_GENERAL]
        mov     rcx, [rsp + OSR_ENTRY_GENERAL + 8]
        mov     rdx, [rsp + OSR_ENTRY_GENERAL + 16]
        mov     rsi, [rsp + OSR_ENTRY_GENERAL + 24]
        mov     rdi, [rsp + OSR_ENTRY_GENERAL + 32]
        mov     r8, [rsp + OSR_ENTRY_GENERAL + 40]
        mov     r9, [rsp + OSR_ENTRY_GENERAL + 48]
        mov     r10, [rsp + OSR_ENTRY_GENERAL + 56]
        mov     r11, [rsp + OSR_ENTRY_GENERAL + 64]
        mov     rbp, [rsp + OSR_ENTRY_CALLEE_SAVED + 8]
        .cfi_restore rbp
        lea     rsp, [rsp + FRAME_BYTES]
        .cfi_adjust_cfa_offset -FRAME_BYTES
        jmp     [rsp - 8]
        .cfi_endproc
        .globl  osr_entry_hook_end
osr_entry_hook_end:
        .size   osr_entry_hook, . - osr_entry_hook

        .section .rodata
        .p2align 2
default_mxcsr:
        .long   0x1f80

        .section .note.GNU-stack, "", @progbits
