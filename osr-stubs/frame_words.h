// Words of frames as calls make them, and what the ABI says of stacks.
#pragma once

// word_size; return_pc_cfa_offset: where a frame's own return PC lies; call_alignment: of the CFA of every function that obeys the
// ABI; red_zone_size: below the stack pointer, what signal handlers leave alone. return_pc_slot_of(__builtin_frame_address(0)).
#include "osr-stubs/x86_64/frame_words.h"
