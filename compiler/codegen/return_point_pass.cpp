#include "compiler/codegen/return_point_pass.h"

#include "compiler/base/check.h"
#include "compiler/codegen/gap.h"
#include "compiler/target/return_point.h"

#include <llvm/CodeGen/MachineFunctionPass.h>

using namespace llvm;

namespace osr {
namespace {

class ReturnPointPass final : public MachineFunctionPass {
public:
  static char ID;
  ReturnPointPass() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "OSR return points"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    for (MachineBasicBlock &block : function)
      for (MachineInstr &map : block) {
        if (map.getOpcode() != TargetOpcode::STACKMAP)
          continue;
        OSR_CHECK(map.getIterator() != block.begin() && is_returning_call(*std::prev(map.getIterator())),
                  "a stack map of '{}' is not behind its call", function.getName().str());
        insert_return_point_behind(map);
      }
    return true;
  }
};

char ReturnPointPass::ID = 0;

} // namespace

MachineFunctionPass *create_return_point_pass() { return new ReturnPointPass(); }

} // namespace osr
