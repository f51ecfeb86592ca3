#include "runtime/threads/own_heap.h"

namespace osr {

constinit thread_local bool runs_program = false;

namespace {

constinit bool is_provided = false;

} // namespace

bool has_own_heap() { return is_provided; }

void set_own_heap() { is_provided = true; }

} // namespace osr
