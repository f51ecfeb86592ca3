#include "compiler/canonical/source_lines.h"

#include "compiler/base/run_passes.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Passes/PassBuilder.h>

#include <string>
#include <vector>

using namespace llvm;

namespace osr {
namespace {

struct Line {
  Instruction *instruction;
  DIFile *file;
  unsigned line;
};

struct FunctionLines {
  Function *function;
  std::string name;
  DIFile *file;
  unsigned line;
  std::vector<Line> lines;
};

std::vector<FunctionLines> collect(Module &module) {
  std::vector<FunctionLines> found;
  for (Function &function : module) {
    const DISubprogram *subprogram = function.getSubprogram();
    if (!subprogram || !subprogram->getFile() || function.isDeclaration())
      continue;
    FunctionLines &of = found.emplace_back(
        FunctionLines{&function, subprogram->getName().str(), subprogram->getFile(), subprogram->getLine(), {}});
    for (Instruction &instruction : instructions(function))
      if (const DILocation *location = instruction.getDebugLoc().get(); location && location->getFile())
        of.lines.push_back({&instruction, location->getFile(), location->getLine()});
  }
  return found;
}

/// A location in a function, whatever file the line is in.
DILocation *location_in(DISubprogram &subprogram, DIFile *file, unsigned line) {
  LLVMContext &context = subprogram.getContext();
  DILocalScope *scope = &subprogram;
  if (file != subprogram.getFile())
    scope = DILexicalBlockFile::get(context, scope, file, 0);
  return DILocation::get(context, line, 0, scope);
}

/// Values that optimisers which do not follow assignments claim for variables in memory are not to be believed.
void drop_untracked_values(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      for (DbgVariableRecord &record : make_early_inc_range(filterDbgVars(instruction.getDbgRecordRange())))
        if (record.isDbgValue())
          record.eraseFromParent();
}

} // namespace

void keep_source_lines(Module &module) {
  const std::vector<FunctionLines> functions = collect(module);
  StripDebugInfo(module);
  if (functions.empty())
    return;
  DIBuilder builder(module, /*AllowUnresolved=*/false);
  DICompileUnit *unit =
      builder.createCompileUnit(DISourceLanguageName(dwarf::DW_LANG_C), functions.front().file, "", false, "", 0, "",
                                DICompileUnit::DebugDirectivesOnly, /*DWOId=*/0, /*SplitDebugInlining=*/true,
                                /*DebugInfoForProfiling=*/false, DICompileUnit::DebugNameTableKind::None);
  DISubroutineType *type = builder.createSubroutineType(builder.getOrCreateTypeArray({}));
  for (const FunctionLines &of : functions) {
    DISubprogram *subprogram = builder.createFunction(unit, of.name, "", of.file, of.line, type, of.line,
                                                      DINode::FlagZero, DISubprogram::SPFlagDefinition);
    of.function->setSubprogram(subprogram);
    for (const Line &line : of.lines)
      line.instruction->setDebugLoc(location_in(*subprogram, line.file, line.line));
  }
  builder.finalize();
  if (!module.getModuleFlag("Debug Info Version"))
    module.addModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
}

void track_assignments(Module &module) {
  if (!isAssignmentTrackingEnabled(module))
    drop_untracked_values(module);
  PassBuilder builder;
  ModulePassManager passes;
  passes.addPass(AssignmentTrackingPass());
  run_passes(module, builder, std::move(passes));
}

void flatten_source_lines(Module &module) {
  for (Function &function : module) {
    DISubprogram *subprogram = function.getSubprogram();
    for (Instruction &instruction : instructions(function)) {
      const DILocation *location = instruction.getDebugLoc().get();
      if (!location)
        continue;
      if (!subprogram)
        instruction.setDebugLoc({});
      else if (location->getInlinedAt() || location->getScope()->getSubprogram() != subprogram)
        instruction.setDebugLoc(location_in(*subprogram, location->getFile(), location->getLine()));
    }
  }
}

void complete_source_lines(Module &module) {
  for (Function &function : module)
    if (DISubprogram *subprogram = function.getSubprogram())
      for (Instruction &instruction : instructions(function))
        if (isa<CallBase>(instruction) && !instruction.getDebugLoc())
          instruction.setDebugLoc(location_in(*subprogram, subprogram->getFile(), 0));
}

} // namespace osr
