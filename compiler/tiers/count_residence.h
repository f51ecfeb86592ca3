// Counts the activations of one version: the classic way to know when its code can be freed.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>

namespace osr {

/// On entry the 64-bit counter at this address grows by one, on each return it shrinks. The counter is late on the way
/// in and early on the way out by some instructions, and an activation that ends otherwise (longjmp, the end of its
/// thread) is counted for ever: at zero one has to look once more, and one has to look also when it does not come to zero.
void count_residence(llvm::Function &function, std::uint64_t counter_address);

} // namespace osr
