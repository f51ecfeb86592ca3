// The bytes of a frame, which of them are live, and what instructions do to them.
#pragma once

#include "compiler/codegen/backward_flow.h"

#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/CodeGen/MachineFunction.h>

#include <climits>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace osr {

/// A set of frame bytes has a bit for each, by its offset from the frame pointer. The frame must be laid out.
class FrameBytes {
public:
  explicit FrameBytes(const llvm::MachineFunction &function);

  using Range = std::pair<std::int64_t, std::int64_t>; ///< offsets, [first, second)
  static constexpr int none = INT_MAX;                 ///< no object; those of arguments have negative numbers

  /// Where an object lies; nothing if it is not addressed through the frame pointer.
  std::optional<Range> range(int index) const { return ranges_[std::size_t(index - first_index_)]; }
  /// The object to which a byte belongs: of several the one with the lowest number.
  int object_at(std::int64_t offset) const {
    return begin_ <= offset && offset < end_ ? objects_[std::size_t(offset - begin_)] : none;
  }

  unsigned size() const { return unsigned(objects_.size()); }
  llvm::Register frame_pointer() const { return frame_pointer_; }
  std::int64_t offset(unsigned bit) const { return begin_ + bit; }
  void reset(llvm::BitVector &bytes, Range range) const { change(bytes, range, false); }

  /// What is live where a block begins: no temporary of the block. Instruction selection works through the IR block by block,
  /// so a temporary that one block alone uses is written before it is read whenever that block is executed. That is how
  /// the room for what `modf` and its kind store is known to hold nothing before, although nobody but the library
  /// function is seen to write it.
  void enter(const llvm::MachineBasicBlock &block, llvm::BitVector &live) const;
  /// What one instruction does to the frame, seen backwards: first its stores, then its loads.
  void step_backward(const llvm::MachineInstr &instruction, BackwardFlow::Sets live) const;

private:
  /// What an instruction overwrites, and what it may read. Empty ranges: nothing.
  struct Effect {
    Range written, read;
  };

  void find_objects();
  void find_padding();
  void find_temporaries();
  Effect effect_of(const llvm::MachineInstr &instruction) const;
  bool reads_frame_pointer(const llvm::MachineInstr &instruction) const;
  std::optional<Range> access(const llvm::MachineInstr &instruction) const;
  int object_of(const llvm::MachineInstr &instruction) const;
  bool is_temporary(int index) const;
  void set(llvm::BitVector &bytes, Range range) const;
  void change(llvm::BitVector &bytes, Range range, bool value) const;

  const llvm::MachineFunction &function_;
  const llvm::TargetSubtargetInfo &target_;
  llvm::Register frame_pointer_;
  llvm::BitVector frame_pointer_parts_; ///< registers that overlap it, and itself
  int first_index_;
  std::vector<std::optional<Range>> ranges_; ///< by object, from first_index_ on
  std::int64_t begin_ = 0, end_ = 0;
  std::vector<int> objects_; ///< by byte
  llvm::BitVector padding_;
  llvm::DenseMap<const llvm::MachineBasicBlock *, llvm::SmallVector<Range, 1>>
      temporaries_; ///< by the block that alone uses them
};

} // namespace osr
