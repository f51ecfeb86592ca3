#include "compiler/target/thread_memory.h"

namespace osr {

unsigned thread_address_space() { return 257; } // relative to fs

} // namespace osr
