// A second copy of return PCs that the processor keeps, and that nobody can rewrite.
#pragma once

namespace osr {

/// This thread has one.
bool shadow_stack_is_active();

} // namespace osr
