// For assembly that leaves a stack: writes an OutsideRegisters (osr-stubs/call_on_stack.h), the registers as the caller of this function sees
// them behind the call. To be used at its first instruction; changes rax.
#include "osr-stubs/stub_offsets.h"

        .macro  save_outside_registers to
        mov     rax, [rsp]
        mov     [\to + OSR_OUTSIDE_PC], rax
        lea     rax, [rsp + 8]
        mov     [\to + OSR_OUTSIDE_SP], rax
        mov     [\to + OSR_OUTSIDE_SAVED], rbx
        mov     [\to + OSR_OUTSIDE_SAVED + 8], rbp
        mov     [\to + OSR_OUTSIDE_SAVED + 16], r12
        mov     [\to + OSR_OUTSIDE_SAVED + 24], r13
        mov     [\to + OSR_OUTSIDE_SAVED + 32], r14
        mov     [\to + OSR_OUTSIDE_SAVED + 40], r15
        .endm
