// What compiles the modules of one tier: LLVM's machine and an emitter, set up once and used again.
#pragma once

#include "compiler/base/mutex.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/target/target.h"

#include <memory>
#include <string>
#include <vector>

namespace osr {

/// One thread at a time.
class CodeGenerator {
public:
  static llvm::Expected<std::unique_ptr<CodeGenerator>> create(CodegenLevel level, ReturnPoints points,
                                                               const ProcessorChoice &processor = {});

  llvm::TargetMachine &machine() { return *machine_; }
  ObjectEmitter &emitter() { return emitter_; }
  /// What the code that it makes of a module depends on, as text.
  llvm::StringRef identity() const { return identity_; }

private:
  CodeGenerator(std::unique_ptr<llvm::TargetMachine> machine, MachinePasses passes, ReturnPoints points);

  std::unique_ptr<llvm::TargetMachine> machine_;
  std::string identity_;
  ObjectEmitter emitter_;
};

/// Those of the optimised tier for threads that compile beside each other: as many as there ever were at a time.
/// Thread-safe.
class CodeGeneratorPool {
public:
  CodeGeneratorPool(ReturnPoints points, ProcessorChoice processor)
      : points_(points), processor_(std::move(processor)) {}

  llvm::Expected<std::unique_ptr<CodeGenerator>> take();
  void give_back(std::unique_ptr<CodeGenerator> generator);

private:
  ReturnPoints points_;
  ProcessorChoice processor_;
  Mutex mutex_;
  std::vector<std::unique_ptr<CodeGenerator>> idle_ OSR_GUARDED_BY(mutex_);
};

} // namespace osr
