// The entry hook; see osr-stubs/entry_hook.h. It has an ordinary frame, so unwinders pass through it:
//
//      | return PC of the caller | <- rsp at entry (16-byte aligned plus 8)
//      | EntryFrame: target      |    CFA-16: stays valid in the red zone until the jump, so that whoever stops this
//      |             ...         |    thread sees at every instruction where it is going
//      | EntryFrame: function    | <- rsp at the call (16-byte aligned)
#include "osr-stubs/stub_offsets.h"

#define FRAME_BYTES OSR_ENTRY_SIZE

        .intel_syntax noprefix
        .text

        .macro each_vector instruction, register, direction
        .irp    index, 0, 1, 2, 3, 4, 5, 6, 7
        .ifc    \direction, save
        \instruction [rsp + OSR_ENTRY_VECTOR + \index * OSR_ENTRY_VECTOR_STRIDE], \register\()\index
        .else
        \instruction \register\()\index, [rsp + OSR_ENTRY_VECTOR + \index * OSR_ENTRY_VECTOR_STRIDE]
        .endif
        .endr
        .endm

        // As a rule no argument is wider than xmm. Loading the rest, zeros, makes the processor take them for in use, and
        // then SSE code runs at down to a third of its speed until somebody says vzeroupper: so that is said here.
        // Registers from 8 on are nobody's at a call.
        .macro any_set instruction, register
        \instruction \register\()8, \register\()0, \register\()1
        .irp    index, 2, 3, 4, 5, 6, 7
        \instruction \register\()8, \register\()8, \register\()\index
        .endr
        .endm
        .macro jump_if_set register, where
        vptest  \register, \register
        jnz     \where
        .endm

        .macro zero_upper_unless_set where
        vextractf128 xmm8, ymm8, 1
        jump_if_set xmm8, \where
        vzeroupper
        .endm

        // At the width that the machine has. Flags change, and registers from 8 on.
        .macro vectors direction
        cmp     dword ptr [rip + osr_vector_register_bytes], 32
        je      32f
        ja      64f
        each_vector movups, xmm, \direction
        jmp     1f
32:     each_vector vmovups, ymm, \direction
        .ifc    \direction, load
        any_set vorps, ymm
        zero_upper_unless_set 1f
        .endif
        jmp     1f
64:     each_vector vmovups, zmm, \direction
        .ifc    \direction, load
        any_set vporq, zmm
        vextracti64x4 ymm9, zmm8, 1
        jump_if_set ymm9, 1f
        zero_upper_unless_set 1f
        .endif
1:
        .endm

        .globl  osr_entry_hook
        .type   osr_entry_hook, @function
        .p2align 4
osr_entry_hook:
        .cfi_startproc
        sub     rsp, FRAME_BYTES
        .cfi_adjust_cfa_offset FRAME_BYTES
        mov     r11d, r11d
        mov     [rsp + OSR_ENTRY_FUNCTION], r11
        lea     r11, [rsp + FRAME_BYTES]
        mov     [rsp + OSR_ENTRY_RETURN_PC_SLOT], r11
        mov     [rsp + OSR_ENTRY_RDI], rdi
        mov     [rsp + OSR_ENTRY_RSI], rsi
        mov     [rsp + OSR_ENTRY_RDX], rdx
        mov     [rsp + OSR_ENTRY_RCX], rcx
        mov     [rsp + OSR_ENTRY_R8], r8
        mov     [rsp + OSR_ENTRY_R9], r9
        mov     [rsp + OSR_ENTRY_RAX], rax
        mov     [rsp + OSR_ENTRY_R10], r10
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED], rbx
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 8], rbp
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 16], r12
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 24], r13
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 32], r14
        mov     [rsp + OSR_ENTRY_CALLEE_SAVED + 40], r15
        vectors save

        mov     rdi, rsp
        call    osr_entry_hook_target
        mov     [rsp + OSR_ENTRY_TARGET], rax

        vectors load
        mov     rdi, [rsp + OSR_ENTRY_RDI]
        mov     rsi, [rsp + OSR_ENTRY_RSI]
        mov     rdx, [rsp + OSR_ENTRY_RDX]
        mov     rcx, [rsp + OSR_ENTRY_RCX]
        mov     r8, [rsp + OSR_ENTRY_R8]
        mov     r9, [rsp + OSR_ENTRY_R9]
        mov     rax, [rsp + OSR_ENTRY_RAX]
        mov     r10, [rsp + OSR_ENTRY_R10]
        add     rsp, FRAME_BYTES
        .cfi_adjust_cfa_offset -FRAME_BYTES
        jmp     [rsp - 8]
        .cfi_endproc
        .globl  osr_entry_hook_end
osr_entry_hook_end:
        .size   osr_entry_hook, . - osr_entry_hook

        .section .note.GNU-stack, "", @progbits
