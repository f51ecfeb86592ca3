#include "compiler/codegen/numbered_lines.h"

#include "compiler/base/check.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>

#include <iterator>
#include <map>

using namespace llvm;

namespace osr {
namespace {

/// The lines of one function after another; all know the same files.
class LineTaker {
public:
  explicit LineTaker(std::vector<SourceFile> &files) : files_(files) {}

  TakenLines take(const Function &function) {
    TakenLines taken;
    std::map<LineInFile, std::uint32_t> numbers;
    for (const Instruction &instruction : instructions(function)) {
      const DILocation *location = instruction.getDebugLoc().get();
      if (!location) {
        taken.numbers.emplace_back();
      } else if (location->getLine() == 0) {
        taken.numbers.emplace_back(0);
      } else {
        const LineInFile line{index_of(*location->getFile()), location->getLine()};
        const auto [number, is_new] = numbers.try_emplace(line, std::uint32_t(numbers.size() + 1));
        if (is_new)
          taken.lines.lines.push_back(line);
        taken.numbers.emplace_back(number->second);
      }
    }
    return taken;
  }

private:
  std::uint32_t index_of(const DIFile &file) {
    const auto [index, is_new] = known_.try_emplace(&file, std::uint32_t(files_.size()));
    if (is_new)
      files_.push_back({file.getDirectory().str(), file.getFilename().str()});
    return index->second;
  }

  std::vector<SourceFile> &files_;
  std::map<const DIFile *, std::uint32_t> known_;
};

} // namespace

StringMap<TakenLines> take_lines(Module &module) {
  StringMap<TakenLines> taken;
  if (module.debug_compile_units().empty())
    return taken;
  const auto files = std::make_shared<std::vector<SourceFile>>();
  LineTaker taker(*files);
  for (const Function &function : module)
    if (function.getSubprogram() && !function.isDeclaration())
      taken[function.getName()] = taker.take(function);
  for (auto &entry : taken)
    entry.second.lines.files = files;
  StripDebugInfo(module);
  return taken;
}

const BodyLines *lines_of_file(const CanonicalProgram &program, StringRef file) {
  FunctionId id = 0;
  if (!file.consume_front(body_file_prefix) || file.getAsInteger(10, id) || id >= program.functions.size())
    return nullptr;
  return &program.functions[id].lines;
}

DISubprogram &NumberedLines::subprogram(FunctionId id, Module &program) {
  if (!unit_) {
    DIBuilder builder(program, /*AllowUnresolved=*/false);
    unit_ = builder.createCompileUnit(DISourceLanguageName(dwarf::DW_LANG_C), builder.createFile("osr.bodies", ""), "",
                                      false, "", 0, "", DICompileUnit::DebugDirectivesOnly, /*DWOId=*/0,
                                      /*SplitDebugInlining=*/true, /*DebugInfoForProfiling=*/false,
                                      DICompileUnit::DebugNameTableKind::None);
    builder.finalize();
    if (!program.getModuleFlag("Debug Info Version"))
      program.addModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
  }
  if (subprograms_.size() <= id)
    subprograms_.resize(id + 1);
  if (!subprograms_[id]) {
    DIBuilder builder(program, /*AllowUnresolved=*/false, unit_);
    DIFile *file = builder.createFile(body_file_prefix + std::to_string(id), "");
    subprograms_[id] =
        builder.createFunction(unit_, "", "", file, 0, builder.createSubroutineType(builder.getOrCreateTypeArray({})),
                               0, DINode::FlagZero, DISubprogram::SPFlagDefinition);
    builder.finalize();
  }
  return *subprograms_[id];
}

void NumberedLines::put(Function &function, FunctionId id, const TakenLines &taken, Module &program) {
  DISubprogram &scope = subprogram(id, program);
  function.setSubprogram(&scope);
  const auto all = instructions(function);
  OSR_CHECK(std::size_t(std::distance(all.begin(), all.end())) == taken.numbers.size(),
            "'{}' has {} instructions, and had {}", function.getName().str(), std::distance(all.begin(), all.end()),
            taken.numbers.size());
  for (auto [instruction, number] : zip(all, taken.numbers))
    if (number)
      instruction.setDebugLoc(DILocation::get(function.getContext(), *number, 0, &scope));
}

} // namespace osr
