// osr_waiting_call(number, arguments); see osr-stubs/waiting_call.h. A thread may be cancelled inside, and unwinds from here.
        .intel_syntax noprefix
        .text
        .globl  osr_waiting_call
        .type   osr_waiting_call, @function
        .globl  osr_waiting_call_returned
        .p2align 4
osr_waiting_call:
        .cfi_startproc
        mov     rax, rdi
        mov     r11, rsi
        mov     rdi, [r11]
        mov     rsi, [r11 + 8]
        mov     rdx, [r11 + 16]
        mov     r10, [r11 + 24]
        mov     r8, [r11 + 32]
        mov     r9, [r11 + 40]
        syscall
osr_waiting_call_returned:
        ret
        .cfi_endproc
        .size   osr_waiting_call, . - osr_waiting_call

        .section .note.GNU-stack, "", @progbits
