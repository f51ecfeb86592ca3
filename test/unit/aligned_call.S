// void osr_test_aligned_call(void (*call)(void)): aligns its frame to 128 bytes as gcc does it, with the unwind rules that gcc gives.
        .intel_syntax noprefix
        .text
        .globl  osr_test_aligned_call
        .type   osr_test_aligned_call, @function
osr_test_aligned_call:
        .cfi_startproc
        lea     r10, [rsp + 8]
        .cfi_def_cfa r10, 0
        and     rsp, -128
        push    qword ptr [r10 - 8]
        push    rbp
        .cfi_escape 0x10, 6, 2, 0x76, 0                 // rbp is saved at rbp
        mov     rbp, rsp
        push    rbx
        .cfi_escape 0x10, 3, 2, 0x76, 0x78              // rbx at rbp - 8
        push    r12
        .cfi_escape 0x10, 12, 2, 0x76, 0x70             // r12 at rbp - 16
        push    r10
        .cfi_escape 0x0f, 3, 0x76, 0x68, 0x06           // the CFA is the word at rbp - 24
        sub     rsp, 104
        mov     rbx, -1
        mov     r12, -2
        call    rdi
        add     rsp, 104
        pop     r10
        .cfi_def_cfa r10, 0
        pop     r12
        pop     rbx
        pop     rbp
        lea     rsp, [r10 - 8]
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size   osr_test_aligned_call, . - osr_test_aligned_call
        .section .note.GNU-stack, "", @progbits
