// Offsets that osr_calls.S and osr_calls.h share.
#pragma once

#define GUARD_TARGET 0
#define GUARD_INTEGERS 8
#define GUARD_REAL 32
#define GUARD_BEFORE 40
#define GUARD_AFTER 88
#define GUARD_RESULT 136
#define GUARD_CFA 144
#define GUARD_RETURN_PC 152
#define GUARD_SP_AFTER 160

#define PROBE_RETURN_PC_SLOT 48
