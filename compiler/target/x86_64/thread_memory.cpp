#include "compiler/target/thread_memory.h"

namespace osr {

unsigned thread_address_space() { return 257; } // relative to fs
unsigned first_machine_address_space() { return 256; } // relative to gs, fs, ss; then pointers of other widths

} // namespace osr
