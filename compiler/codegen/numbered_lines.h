// Source lines of bodies that come and go.
//
// What a context has been told of a line stays in it for ever, and so would those of modules that are added and removed. So their
// lines stay outside (BodyLines), and what their instructions have in the program's context is a number:
//
//     front end's      line 4      line 5      line 9 of a header
//     BodyLines          [0]        [1]        [2]
//     instructions        1          2          3        in a file of the name that belongs to this body
//     object file     the line program says these numbers, and the runtime puts the lines in their place (runtime/code/real_lines.h)
//
// Numbers begin anew in each body, and ids of bodies are used again: a context has as many nodes as the most bodies with the most
// lines that there were at once. The number of a file is what inlined code is told from by.
#pragma once

#include "compiler/base/body_lines.h"
#include "compiler/base/site.h"
#include "compiler/canonical/canonical_program.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Module.h>

#include <optional>
#include <vector>

namespace osr {

/// What was taken from one function: its lines, and for each of its instructions, in their order, the number of one, or nothing.
struct TakenLines {
  BodyLines lines;
  std::vector<std::optional<std::uint32_t>> numbers; ///< 0: nobody knows the line, as LLVM has it
};

/// Takes all debug information away. By name of the function; those without lines are not there.
llvm::StringMap<TakenLines> take_lines(llvm::Module &module);

/// The lines that numbers in a file of an object stand for, those of a body that came later; null: it is a real file.
const BodyLines *lines_of_file(const CanonicalProgram &program, llvm::StringRef file);
inline constexpr const char *body_file_prefix = "\x01osr.body.";

/// The nodes of one context. They belong to no module, and stay as long as the context.
class NumberedLines {
public:
  /// Gives the function, which has as many instructions as had the one that they were taken from, its locations back, as numbers.
  /// `program` is in the same context, and is told that it has lines.
  void put(llvm::Function &function, FunctionId id, const TakenLines &taken, llvm::Module &program);

private:
  llvm::DISubprogram &subprogram(FunctionId id, llvm::Module &program);

  llvm::DICompileUnit *unit_ = nullptr;
  std::vector<llvm::DISubprogram *> subprograms_; ///< by id
};

} // namespace osr
