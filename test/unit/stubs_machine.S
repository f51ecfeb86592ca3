// The fake machine's crossings; see stubs_machine.h.
//
//   osr_test_return_into(const Registers *start, int stepping)
//     start->rsp - 8 holds the stub's entry. All registers are loaded, then `ret`.
//   osr_test_recorder
//     where stubs jump to: stores all registers to osr_test_landed and returns to the caller of osr_test_return_into.

#define RSP 72
#define RDI 80
#define X87_COUNT 88
#define X87 96
#define VECTOR 128

        .intel_syntax noprefix
        .text
        .globl  osr_test_return_into
        .type   osr_test_return_into, @function
osr_test_return_into:
        .cfi_startproc
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rip + host_rsp], rsp
        mov     r11, rdi
        mov     r10d, esi
        fninit
        mov     eax, [r11 + X87_COUNT]
        cmp     eax, 1
        jb      2f
        je      1f
        fld     tbyte ptr [r11 + X87 + 16]
1:      fld     tbyte ptr [r11 + X87]
2:      pcmpeqd xmm4, xmm4
        .irp    index, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movaps  xmm\index, xmm4
        .endr
        cmp     dword ptr [rip + osr_vector_register_bytes], 32
        je      32f
        ja      64f
        .irp    index, 0, 1, 2, 3
        movups  xmm\index, [r11 + VECTOR + \index * 64]
        .endr
        jmp     3f
32:     .irp    index, 0, 1, 2, 3
        vmovups ymm\index, [r11 + VECTOR + \index * 64]
        .endr
        jmp     3f
64:     .irp    index, 0, 1, 2, 3
        vmovups zmm\index, [r11 + VECTOR + \index * 64]
        .endr
3:      mov     rbx, [r11]
        mov     rbp, [r11 + 8]
        mov     r12, [r11 + 16]
        mov     r13, [r11 + 24]
        mov     r14, [r11 + 32]
        mov     r15, [r11 + 40]
        mov     rax, [r11 + 48]
        mov     rdx, [r11 + 56]
        mov     rcx, [r11 + 64]
        mov     rsp, [r11 + RSP]
        sub     rsp, 8
        mov     rsi, -1
        mov     rdi, -1
        mov     r8, -1
        mov     r9, -1
        mov     r11, -1
        test    r10d, r10d
        mov     r10, -1
        jz      4f
        pushfq
        or      dword ptr [rsp], 0x100          // trap flag: the first trap comes after the ret
        popfq
4:      ret
        .cfi_endproc

        .globl  osr_test_recorder
        .type   osr_test_recorder, @function
osr_test_recorder:
        mov     [rip + osr_test_landed], rbx
        mov     [rip + osr_test_landed + 8], rbp
        mov     [rip + osr_test_landed + 16], r12
        mov     [rip + osr_test_landed + 24], r13
        mov     [rip + osr_test_landed + 32], r14
        mov     [rip + osr_test_landed + 40], r15
        mov     [rip + osr_test_landed + 48], rax
        mov     [rip + osr_test_landed + 56], rdx
        mov     [rip + osr_test_landed + 64], rcx
        mov     [rip + osr_test_landed + RSP], rsp
        mov     [rip + osr_test_landed + RDI], rdi
        mov     rsp, [rip + host_rsp]
        pushfq
        and     dword ptr [rsp], ~0x100
        popfq
        lea     r11, [rip + osr_test_landed]
        // bits 11-13 of the status word: 8 - number of values on the x87 stack, modulo 8
        fnstsw  ax
        shr     eax, 11
        neg     eax
        and     eax, 7
        mov     [r11 + X87_COUNT], rax
        cmp     eax, 1
        jb      2f
        fstp    tbyte ptr [r11 + X87]
        je      2f
        fstp    tbyte ptr [r11 + X87 + 16]
2:      fninit
        cmp     dword ptr [rip + osr_vector_register_bytes], 32
        je      32f
        ja      64f
        .irp    index, 0, 1, 2, 3
        movups  [r11 + VECTOR + \index * 64], xmm\index
        .endr
        jmp     3f
32:     .irp    index, 0, 1, 2, 3
        vmovups [r11 + VECTOR + \index * 64], ymm\index
        .endr
        vzeroupper
        jmp     3f
64:     .irp    index, 0, 1, 2, 3
        vmovups [r11 + VECTOR + \index * 64], zmm\index
        .endr
        vzeroupper
3:      pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

        .bss
        .globl  osr_test_landed
        .p2align 6
osr_test_landed:
        .zero   384
host_rsp:
        .zero   8
        .section .note.GNU-stack, "", @progbits
