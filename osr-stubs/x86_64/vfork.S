// osr_vfork; see osr-stubs/vfork.h. What lies at the stack pointer is the child's to overwrite, so the return PC waits in a
// register that the kernel keeps, as in the C library's.
        .intel_syntax noprefix
        .text
        .globl  osr_vfork
        .type   osr_vfork, @function
        .p2align 4
osr_vfork:
        .cfi_startproc
        mov     rsi, [rip + osr_vforks@GOTTPOFF]
        inc     dword ptr fs:[rsi]
        pop     rdi
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rdi
        mov     eax, 58                 // SYS_vfork
        syscall
        push    rdi
        .cfi_adjust_cfa_offset 8
        .cfi_offset rip, -8
        test    rax, rax
        jz      1f
        dec     dword ptr fs:[rsi]
        cmp     rax, -4095
        jae     2f
1:      ret

2:      neg     eax
        push    rax
        .cfi_adjust_cfa_offset 8
        call    __errno_location@PLT
        pop     rcx
        .cfi_adjust_cfa_offset -8
        mov     [rax], ecx
        mov     eax, -1
        ret
        .cfi_endproc
        .size   osr_vfork, . - osr_vfork

        .section .note.GNU-stack, "", @progbits
