#include "compiler/codegen/anchor_pass.h"

#include "compiler/codegen/gap.h"
#include "compiler/codegen/register_liveness.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/StackMaps.h>
#include <llvm/CodeGen/TargetFrameLowering.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/LLVMContext.h>

using namespace llvm;

namespace osr {
namespace {

class AnchorPass final : public MachineFunctionPass {
public:
  static char ID;
  explicit AnchorPass(CodegenReport &report) : MachineFunctionPass(ID), report_(report) {}

  StringRef getPassName() const override { return "OSR record anchoring"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    check_frame(function);
    SmallVector<MachineInstr *, 8> maps;
    for (MachineBasicBlock &block : function)
      for (MachineInstr &instruction : block)
        if (instruction.getOpcode() == TargetOpcode::STACKMAP)
          maps.push_back(&instruction);
    LeftBehind left_behind;
    for (MachineInstr *map : maps)
      anchor(*map, left_behind);
    if (!left_behind.empty())
      delete_dead(function, left_behind);
    for (MachineBasicBlock &block : function)
      for (MachineInstr &instruction : block)
        if (is_returning_call(instruction))
          count(instruction);
    return true;
  }

private:
  /// Copies and reloads in front of which a record was moved.
  using LeftBehind = SmallPtrSet<const MachineInstr *, 16>;

  /// Everything else relies on that rsp is constant in the body. Who breaks this rule of the frame is pinned, so it has no
  /// stack maps; should one have been overlooked, this version is not made.
  static void check_frame(const MachineFunction &function) {
    const MachineFrameInfo &frame = function.getFrameInfo();
    if (!frame.hasStackMap() && !frame.hasPatchPoint())
      return;
    const TargetSubtargetInfo &target = function.getSubtarget();
    const auto refuse = [&](const char *problem) {
      LLVMContext &context = function.getFunction().getContext();
      context.emitError("the frame of '" + function.getName() + "' " + problem + ", so it cannot be replaced");
    };
    if (frame.hasVarSizedObjects())
      refuse("has objects of variable size");
    if (target.getRegisterInfo()->hasStackRealignment(function))
      refuse("is realigned");
    if (!target.getFrameLowering()->hasReservedCallFrame(function))
      refuse("moves the stack pointer between calls");
  }

  /// The call that `map` belongs to, and the way there; null for an orphan. Pseudo instructions that expand to control
  /// flow may have put block ends between the two.
  MachineInstr *find_call(MachineInstr &map, SmallVectorImpl<MachineInstr *> &gap) const {
    auto it = std::next(map.getReverseIterator());
    SmallPtrSet<const MachineBasicBlock *, 8> seen;
    for (MachineBasicBlock *block = map.getParent(); seen.insert(block).second;) {
      for (; it != block->instr_rend(); ++it) {
        if (it->getOpcode() == TargetOpcode::STACKMAP)
          return nullptr;
        if (is_returning_call(*it))
          return record_number(*it) == std::int64_t(StackMapOpers(&map).getID()) ? &*it : nullptr;
        if (!it->isDebugInstr() && !it->isCFIInstruction())
          gap.push_back(&*it);
      }
      if (block->pred_size() != 1)
        return nullptr;
      block = *block->pred_begin();
      it = block->instr_rbegin();
    }
    return nullptr;
  }

  /// Why `operand` cannot be expressed directly behind `call`, or an empty text.
  static std::string move_to_call(MapOperand &operand, ArrayRef<MachineInstr *> gap, const MachineInstr &call) {
    for (const MachineInstr *instruction : gap)
      if (std::string problem = move_before(operand, *instruction); !problem.empty())
        return problem;
    return survives(operand, call);
  }

  void anchor(MachineInstr &map, LeftBehind &left_behind) {
    std::uint32_t number = StackMapOpers(&map).getID();
    SmallVector<MachineInstr *, 8> gap;
    MachineInstr *call = find_call(map, gap);
    if (!call) {
      // Not an orphan when the call still exists elsewhere in the function: count() then misses its record.
      report_.orphans.insert(number);
      map.eraseFromParent();
      return;
    }
    for (const MachineInstr *instruction : gap)
      if (may_serve_records_only(*instruction))
        left_behind.insert(instruction);
    std::vector<MapOperand> operands = read_map_operands(map);
    for (std::uint32_t place = 0; place < operands.size(); ++place)
      if (std::string problem = move_to_call(operands[place], gap, *call); !problem.empty()) {
        report_.not_anchored.try_emplace(number, problem);
        report_.failed_operands.insert({number, place});
      }
    if (report_.not_anchored.contains(number)) {
      map.eraseFromParent();
      return;
    }
    map.removeFromParent();
    call->getParent()->insertAfter(call->getIterator(), &map);
    write_map_operands(map, operands);
    report_.anchored.insert(number);
  }

  static bool may_serve_records_only(const MachineInstr &instruction) {
    const TargetInstrInfo &info = *instruction.getMF()->getSubtarget().getInstrInfo();
    int slot = 0;
    return (info.isLoadFromStackSlotPostFE(instruction, slot) || info.isCopyInstr(instruction)) &&
           !instruction.hasUnmodeledSideEffects() && !instruction.hasOrderedMemoryRef() &&
           !instruction.getFlag(MachineInstr::FrameSetup) && !instruction.getFlag(MachineInstr::FrameDestroy);
  }

  /// Deletes those of `left_behind` that define what nobody reads any more.
  static void delete_dead(MachineFunction &function, const LeftBehind &left_behind) {
    const MachineRegisterInfo &registers = function.getRegInfo();
    RegisterLiveness liveness(function);
    auto is_dead = [&](const MachineInstr &instruction, const BitVector &live) {
      return all_of(instruction.all_defs(), [&](const MachineOperand &defined) {
        return !registers.isReserved(defined.getReg()) && !liveness.is_live(defined.getReg(), live);
      });
    };
    for (MachineBasicBlock &block : function) {
      if (none_of(block, [&](const MachineInstr &instruction) { return left_behind.contains(&instruction); }))
        continue;
      BitVector live = liveness.live_out(block);
      for (MachineInstr &instruction : make_early_inc_range(reverse(block)))
        if (left_behind.contains(&instruction) && is_dead(instruction, live))
          instruction.eraseFromParent();
        else
          liveness.step_backward(instruction, &live);
    }
  }

  void count(const MachineInstr &call) {
    ++report_.calls;
    std::int64_t number = record_number(call);
    if (number < 0) {
      ++report_.calls_without_site;
      return;
    }
    auto next = std::next(call.getIterator());
    bool recorded = next != call.getParent()->end() && next->getOpcode() == TargetOpcode::STACKMAP &&
                    std::int64_t(StackMapOpers(&*next).getID()) == number;
    if (recorded) {
      ++report_.calls_with_record;
      return;
    }
    // No record although the call is marked: either it was meant as a tail call, or its stack map got lost.
    report_.unrecorded.insert(number);
  }

  CodegenReport &report_;
};

char AnchorPass::ID = 0;

} // namespace

MachineFunctionPass *create_anchor_pass(CodegenReport &report) { return new AnchorPass(report); }

} // namespace osr
