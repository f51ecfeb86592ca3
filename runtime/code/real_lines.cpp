#include "runtime/code/real_lines.h"

#include "runtime/code/debug_lines.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>

#include <vector>

using namespace llvm;

namespace osr {

bool has_file_that_begins_with(const LineProgram &program, StringRef prefix) {
  return any_of(ArrayRef{&program.program, &program.strings}, [&](const std::vector<std::uint8_t> *in) {
    return toStringRef(ArrayRef<std::uint8_t>(*in)).contains(prefix);
  });
}

LineProgram with_real_lines(const LineProgram &program, FindRealLine real) {
  const DebugLines lines(program, real);
  return lines.empty() ? LineProgram() : LineProgram{lines.write(), {}};
}

} // namespace osr
