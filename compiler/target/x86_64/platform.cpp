#include "compiler/target/platform.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

const char *machine_name() { return "x86-64"; }
const char *platform_name() { return "x86-64 Linux"; }
const char *baseline_processor() { return "x86-64"; }
const char *platform_triple() { return "x86_64-pc-linux-gnu"; }

bool is_for_this_platform(const Triple &triple) {
  return triple.getArch() == Triple::x86_64 && triple.isOSLinux() && !triple.isX32();
}

bool lacks_intrinsic(StringRef name) {
  static constexpr StringLiteral beginnings[] = {
      "llvm.call.preallocated.",
      "llvm.ptrauth.",
      "llvm.vscale",
      "llvm.sponentry",
      "llvm.pcmarker",
      "llvm.eh.return.i32",
      "llvm.eh.recoverfp",
      "llvm.loop.decrement",
      "llvm.set.loop.iterations",
      "llvm.start.loop.iterations",
      "llvm.test.set.loop.iterations",
      "llvm.test.start.loop.iterations",
      "llvm.experimental.vp.",
      "llvm.experimental.vector.histogram.",
      "llvm.vp.load.ff",
  };
  return any_of(beginnings, [&](StringRef begins) { return name.starts_with(begins); });
}

bool is_foreign_intrinsic(Intrinsic::ID id) {
  return Intrinsic::isTargetIntrinsic(id) && !Intrinsic::getBaseName(id).starts_with("llvm.x86.");
}

} // namespace osr
