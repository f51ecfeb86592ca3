#include "compiler/codegen/code_generator.h"

#include <fmt/format.h>

using namespace llvm;

namespace osr {

CodeGenerator::CodeGenerator(std::unique_ptr<TargetMachine> machine, MachinePasses passes, ReturnPoints points)
    : machine_(std::move(machine)),
      identity_(fmt::format("{} {} {} {} {}", machine_->getTargetTriple().str(), machine_->getTargetCPU(),
                            machine_->getTargetFeatureString(), int(passes), int(points))),
      emitter_(*machine_, passes, points) {}

Expected<std::unique_ptr<CodeGenerator>> CodeGenerator::create(CodegenLevel level, ReturnPoints points,
                                                               const ProcessorChoice &processor) {
  auto machine = create_target_machine(level, processor);
  if (!machine)
    return machine.takeError();
  const MachinePasses passes = level == CodegenLevel::Fast ? MachinePasses::Certify : MachinePasses::Anchor;
  return std::unique_ptr<CodeGenerator>(new CodeGenerator(std::move(*machine), passes, points));
}

Expected<std::unique_ptr<CodeGenerator>> CodeGeneratorPool::take() {
  {
    Lock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<CodeGenerator> idle = std::move(idle_.back());
      idle_.pop_back();
      return idle;
    }
  }
  return CodeGenerator::create(CodegenLevel::Optimizing, points_, processor_);
}

void CodeGeneratorPool::give_back(std::unique_ptr<CodeGenerator> generator) {
  Lock lock(mutex_);
  idle_.push_back(std::move(generator));
}

} // namespace osr
