#include "runtime/code/real_lines.h"

#include "runtime/code/debug_lines.h"

#include <llvm/ADT/STLExtras.h>

#include <cstring>
#include <vector>

using namespace llvm;

namespace osr {

bool has_file_that_begins_with(const LineProgram &program, StringRef prefix) {
  return any_of(ArrayRef{&program.program, &program.strings}, [&](const std::vector<std::uint8_t> *in) {
    return ::memmem(in->data(), in->size(), prefix.data(), prefix.size()) != nullptr;
  });
}

LineProgram with_real_lines(const LineProgram &program, FindRealLine real) {
  const DebugLines lines(program, real);
  return lines.empty() ? LineProgram() : LineProgram{lines.write(), {}};
}

} // namespace osr
