// Where the object frames of one function lie within its area.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/Alignment.h>

#include <cstdint>
#include <vector>

namespace osr {

struct ObjectArea {
  std::vector<std::uint64_t> offsets; ///< of the frame that each push makes
  std::uint64_t size = 0;             ///< a multiple of object_frame_align
  llvm::Align align;                  ///< at least object_frame_align
};

/// As native frames would lie: those of functions that were inlined one after the other share their room, and that of an
/// inlined function lies below those of the functions that it was called by.
ObjectArea lay_out_area(llvm::ArrayRef<llvm::CallInst *> pushes);

} // namespace osr
