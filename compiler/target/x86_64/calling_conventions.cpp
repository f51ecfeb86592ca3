#include "compiler/target/calling_conventions.h"

using namespace llvm;

namespace osr {

bool saves_like_c(CallingConv::ID convention) {
  return convention == CallingConv::C || convention == CallingConv::Fast || convention == CallingConv::X86_64_SysV;
}

bool has_known_prologue(CallingConv::ID convention) {
  return convention != CallingConv::HiPE && convention != CallingConv::CFGuard_Check;
}

bool decorates_names(CallingConv::ID convention) { return convention == CallingConv::X86_VectorCall; }

} // namespace osr
