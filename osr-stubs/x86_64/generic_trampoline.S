// The generic trampoline: what every generic stub jumps to. See osr-stubs/interpreter.h and README.md.
//
//   in:   r10 = CFA of the frame that is replaced, r11 = TransitionScript *, rsp below the old and the new frames;
//         everything else as the callee left it when it returned
//   out:  as the script says; rdi = state buffer, or undefined without one
//
//      CFA  ...  old frame, new frame  ...
//      rsp at entry
//      +---------------------------+
//      | SaveArea                  | <- r12
//      | (gap up to 63 bytes)      |
//      | XSAVE image, 64-aligned   | <- rsp at the call
//      +---------------------------+
//
// Unwinding: this code stands for the frame that is replaced, so its CFA is that frame's, and the return PC is at
// CFA-8. Replaceable frames keep their caller's rbp at CFA-16. The other callee-saved registers are not described:
// where they are depends on the site.
#include "osr-stubs/x86_64/outside_registers.inc"

        .intel_syntax noprefix
        .text
        .globl  osr_generic_trampoline
        .type   osr_generic_trampoline, @function
        .p2align 4
osr_generic_trampoline:
        .cfi_startproc
        .cfi_def_cfa r10, 0
        .cfi_offset rip, -8
        .cfi_offset rbp, -16
        .cfi_undefined rbx
        .cfi_undefined r12
        .cfi_undefined r13
        .cfi_undefined r14
        .cfi_undefined r15
        and     rsp, -16
        sub     rsp, OSR_SAVE_SIZE
        mov     [rsp + OSR_SAVE_CFA], r10
        save_kept_registers rsp + OSR_SAVE_CALLEE_SAVED
        mov     [rsp + OSR_SAVE_RAX], rax
        mov     [rsp + OSR_SAVE_RDX], rdx
        mov     [rsp + OSR_SAVE_RCX], rcx
        xor     esi, esi
        mov     [rsp + OSR_SAVE_STATE_BUFFER], rsi
        mov     [rsp + OSR_SAVE_X87_POPS], rsi
        mov     r12, rsp
        mov     rbx, r10
        .cfi_def_cfa rbx, 0

        // The registers that calls may destroy but a result may be in.
        mov     ecx, [rip + osr_extended_state_bytes]
        sub     rsp, rcx
        and     rsp, -64
        mov     [r12 + OSR_SAVE_EXTENDED], rsp
        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        test    eax, eax
        jz      1f
        // XSAVE leaves most of the image's header as it is, and XRSTOR faults unless that is zero.
        .irp    offset, 0, 8, 16, 24, 32, 40, 48, 56
        mov     [rsp + 512 + \offset], rsi
        .endr
        xsave64 [rsp]
        jmp     2f
1:      fxsave64 [rsp]
2:      fninit                          // C++ code expects an empty x87 stack

        mov     rdi, r11
        mov     rsi, r12
        call    osr_interpret_transition

        mov     eax, [rip + osr_extended_state_mask]
        xor     edx, edx
        test    eax, eax
        jz      3f
        xrstor64 [rsp]
        jmp     4f
3:      fxrstor64 [rsp]
4:      mov     ecx, [r12 + OSR_SAVE_X87_POPS]
        jrcxz   6f
5:      fstp    st(0)
        dec     ecx
        jnz     5b

6:      mov     r9, rbx
        .cfi_def_cfa r9, 0
        mov     rax, [r12 + OSR_SAVE_RAX]
        mov     rdx, [r12 + OSR_SAVE_RDX]
        mov     rcx, [r12 + OSR_SAVE_RCX]
        mov     rdi, [r12 + OSR_SAVE_STATE_BUFFER]
        mov     r10, [r12 + OSR_SAVE_FINAL_SP]
        mov     r11, [r12 + OSR_SAVE_TARGET_PC]
        mov     rbx, [r12 + OSR_SAVE_CALLEE_SAVED]
        mov     rbp, [r12 + OSR_SAVE_CALLEE_SAVED + 8]
        mov     r13, [r12 + OSR_SAVE_CALLEE_SAVED + 24]
        mov     r14, [r12 + OSR_SAVE_CALLEE_SAVED + 32]
        mov     r15, [r12 + OSR_SAVE_CALLEE_SAVED + 40]
        mov     r12, [r12 + OSR_SAVE_CALLEE_SAVED + 16]
        mov     rsp, r10                // last: what is above rsp is safe from signal handlers
        jmp     r11
        .cfi_endproc
        .globl  osr_generic_trampoline_end
osr_generic_trampoline_end:
        .size   osr_generic_trampoline, . - osr_generic_trampoline

        .section .note.GNU-stack, "", @progbits
