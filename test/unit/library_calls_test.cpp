// Checks that the code generator knows the library that the program is linked with.
#include "codegen_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/Object/ObjectFile.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  define void @copy(ptr %to, ptr %from, i64 %n) {
    call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
    ret void
  }
  define void @move(ptr %to, ptr %from, i64 %n) {
    call void @llvm.memmove.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
    ret void
  }
  define void @fill(ptr %to) {
    call void @llvm.memset.p0.i64(ptr %to, i8 1, i64 10000, i1 false)
    ret void
  }
  define double @remainder(double %x, double %y) {
    %r = frem double %x, %y
    ret double %r
  })";

bool is_called(const CompiledVersion &version, StringRef name) {
  auto object = cantFail(object::ObjectFile::createObjectFile(version.object->getMemBufferRef()));
  return any_of(object->symbols(), [&](const object::SymbolRef &symbol) {
    return cantFail(symbol.getName()) == name && (cantFail(symbol.getFlags()) & object::SymbolRef::SF_Undefined);
  });
}

} // namespace

TEST_CASE("Check that both tiers call the library where LLVM has no better code") {
  CompiledText program(text);
  for (Tier tier : {Tier::Baseline, Tier::Optimized}) {
    CHECK(is_called(program.compile("copy", tier), "memcpy"));
    CHECK(is_called(program.compile("move", tier), "memmove"));
    CHECK(is_called(program.compile("fill", tier), "memset"));
    CHECK(is_called(program.compile("remainder", tier), "fmod"));
  }
}
