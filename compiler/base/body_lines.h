// The source lines of one body, kept apart from LLVM's metadata: plain data, which goes with the body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace osr {

struct SourceFile {
  std::string directory, name; ///< as the front end says
  friend bool operator==(const SourceFile &, const SourceFile &) = default;
};

struct LineInFile {
  std::uint32_t file = 0; ///< index in BodyLines::files
  std::uint32_t line = 0;
  friend auto operator<=>(const LineInFile &, const LineInFile &) = default;
};

/// Its lines by number: location N in code of the body, from 1, is lines[N - 1]. compiler/codegen/numbered_lines.h says why.
struct BodyLines {
  std::shared_ptr<const std::vector<SourceFile>> files; ///< of its module; null: nothing is known
  std::vector<LineInFile> lines;

  /// Null: not known.
  const LineInFile *find(std::uint64_t number) const {
    return number > 0 && number <= lines.size() ? &lines[number - 1] : nullptr;
  }
};

} // namespace osr
