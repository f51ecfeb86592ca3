// Byte offsets of every memory layout that assembly and C++ share. Plain macros, so that assembly can include this
// file; result_layout.h, stub_frame.h and the headers of the functions tie each one to a C++ struct with a static_assert.
#pragma once

// Result area: the tail of a state buffer (result_layout.h).
#define OSR_RESULT_RAX 0
#define OSR_RESULT_RDX 8
#define OSR_RESULT_RCX 16
#define OSR_RESULT_ST0 32
#define OSR_RESULT_ST1 48
#define OSR_RESULT_VECTOR 64
#define OSR_RESULT_VECTOR_STRIDE 64
#define OSR_RESULT_SIZE 320

// SaveArea: what osr_generic_trampoline saves (stub_frame.h).
#define OSR_SAVE_CFA 0
#define OSR_SAVE_CALLEE_SAVED 8
#define OSR_SAVE_RAX 56
#define OSR_SAVE_RDX 64
#define OSR_SAVE_RCX 72
#define OSR_SAVE_EXTENDED 80
#define OSR_SAVE_STATE_BUFFER 88
#define OSR_SAVE_FINAL_SP 96
#define OSR_SAVE_TARGET_PC 104
#define OSR_SAVE_X87_POPS 112
#define OSR_SAVE_SIZE 128

// EntryFrame: what osr_entry_hook saves (stub_frame.h).
#define OSR_ENTRY_GENERAL 0
#define OSR_ENTRY_CALLEE_SAVED 72
#define OSR_ENTRY_RETURN_PC_SLOT 120
#define OSR_ENTRY_HOOK 128
#define OSR_ENTRY_FUNCTION 136
#define OSR_ENTRY_TARGET 144
#define OSR_ENTRY_SIZE 152

// ProgramBase: where walks of a program's stack stop (enter_program.h).
#define OSR_BASE_CFA 0
#define OSR_BASE_RETURN_PC 8
#define OSR_BASE_SAVED 16

// OutsideRegisters: what a walk of the stack that was left begins with (call_on_stack.h).
#define OSR_OUTSIDE_PC 0
#define OSR_OUTSIDE_SP 8
#define OSR_OUTSIDE_SAVED 16
// StackContext (switch_stack.h), which begins with that.
#define OSR_CONTEXT_VECTOR_CONTROL 64
#define OSR_CONTEXT_SCALAR_CONTROL 68
#define OSR_FIRST_VECTOR_CONTROL 0x1f80
#define OSR_FIRST_SCALAR_CONTROL 0x37f

// SwapFrame, behind its OutsideRegisters, and ContextCalls (context.h).
#define OSR_SWAP_LEFT 104
#define OSR_SWAP_ENTERED 112
#define OSR_SWAP_SIZE 120
#define OSR_CONTEXT_LEAVES 0
#define OSR_CONTEXT_SWAP 8
#define OSR_CONTEXT_IS_BACK 16
#define OSR_CONTEXT_BEGINS 24
#define OSR_CONTEXT_ENDS 32
