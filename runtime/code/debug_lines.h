// A table of lines that can be added to: DWARF's line program, read, and written again.
#pragma once

#include "runtime/code/line_program.h"
#include "runtime/code/real_lines.h"

#include <llvm/ADT/StringMap.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

class DebugLines {
public:
  struct Row {
    std::uint64_t address = 0;
    unsigned file = 0; ///< a number that file() gives out
    unsigned line = 0;
    bool is_statement = true, ends_prologue = false;
    bool is_end = false; ///< the first byte behind a piece of code
  };

  DebugLines() = default;
  /// What a line program of our own code generator says; nothing if it cannot be read. If there is a `real`, with what that says
  /// of each file and line. Code of which nothing is known then is line 0 of the file before.
  explicit DebugLines(const LineProgram &lines, FindRealLine real = nullptr);

  /// The number of a file, counted from 1; the same for the same path.
  unsigned file(const std::string &path);
  /// Within a piece of code addresses ascend.
  void add(const Row &row) { rows_.push_back(row); }
  bool empty() const { return files_.empty(); }

  /// As DWARF 4 has it.
  std::vector<std::uint8_t> write() const;

private:
  std::vector<std::string> files_;
  llvm::StringMap<unsigned> numbers_; ///< of files_
  std::vector<Row> rows_;
};

} // namespace osr
