// Checks that programs are read, linked and refused with the file and the reason.
#include "compiler/canonical/load.h"
#include "test/support/catch_header.h"

#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// A file that lives as long as the object.
class TemporaryFile {
public:
  explicit TemporaryFile(StringRef content, StringRef suffix = "ll") {
    SmallString<128> path;
    int descriptor = -1;
    REQUIRE_FALSE(sys::fs::createTemporaryFile("canonical", suffix, descriptor, path));
    raw_fd_ostream(descriptor, /*shouldClose=*/true) << content;
    path_ = path.str().str();
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() { sys::fs::remove(path_); }
  const std::string &path() const { return path_; }

private:
  std::string path_;
};

std::string refusal(std::vector<std::string> paths) {
  LLVMContext context;
  auto program = load_program(context, paths);
  REQUIRE_FALSE(bool(program));
  return toString(program.takeError());
}

} // namespace

TEST_CASE("text and bitcode are linked into one module", "[load]") {
  TemporaryFile text("declare i32 @g()\ndefine i32 @f() {\n  %r = call i32 @g()\n  ret i32 %r\n}\n"
                     "define internal void @same() { ret void }");
  TemporaryFile other("define i32 @g() { ret i32 7 }\ndefine internal void @same() { ret void }\n"
                      "define void @keep() {\n  call void @same()\n  ret void\n}");
  std::string bytes;
  {
    LLVMContext context;
    auto module = cantFail(load_program(context, {other.path()}));
    raw_string_ostream stream(bytes);
    WriteBitcodeToFile(*module, stream);
  }
  TemporaryFile bitcode(bytes, "bc");
  LLVMContext context;
  auto program = load_program(context, {text.path(), bitcode.path()});
  if (!program)
    FAIL(toString(program.takeError()));
  CHECK((*program)->getTargetTriple().str() == "x86_64-pc-linux-gnu");
  CHECK((*program)->getDataLayoutStr() == Triple("x86_64-pc-linux-gnu").computeDataLayout());
  CHECK_FALSE((*program)->getFunction("g")->isDeclaration());
  CHECK_FALSE((*program)->getFunction("f")->isDeclaration());
}

TEST_CASE("a program that cannot be loaded is refused with file and reason", "[load]") {
  SECTION("nothing") { CHECK_THAT(refusal({}), Contains("no program")); }
  SECTION("missing") {
    CHECK_THAT(refusal({"/nonexistent/x.bc"}), StartsWith("/nonexistent/x.bc") && Contains("No such file"));
  }
  SECTION("broken text") {
    TemporaryFile file("define i32 @f() {\n  ret i64 1\n}");
    CHECK_THAT(refusal({file.path()}), StartsWith(file.path()) && Contains("line 2") && Contains("i32"));
  }
  SECTION("broken bitcode") {
    std::string bytes;
    LLVMContext context;
    Module module("m", context);
    raw_string_ostream stream(bytes);
    WriteBitcodeToFile(module, stream);
    TemporaryFile file(StringRef(bytes).take_front(bytes.size() / 2), "bc");
    CHECK_THAT(refusal({file.path()}), StartsWith(file.path()) && Contains("cannot be read"));
  }
  SECTION("invalid") {
    TemporaryFile file("define i32 @f() {\n  %a = add i32 %b, 1\n  %b = add i32 1, 1\n  ret i32 %a\n}");
    CHECK_THAT(refusal({file.path()}), StartsWith(file.path()) && Contains("dominate"));
  }
  SECTION("other machine") {
    TemporaryFile file("target triple = \"aarch64-unknown-linux-gnu\"\ndefine void @f() { ret void }");
    CHECK_THAT(refusal({file.path()}), StartsWith(file.path()) && Contains("aarch64-unknown-linux-gnu"));
  }
  SECTION("other system") {
    TemporaryFile file("target triple = \"x86_64-apple-macosx\"\ndefine void @f() { ret void }");
    CHECK_THAT(refusal({file.path()}), Contains("x86_64-apple-macosx"));
  }
  SECTION("other data layout") {
    TemporaryFile file("target datalayout = \"E-p:32:32\"\ndefine void @f() { ret void }");
    CHECK_THAT(refusal({file.path()}), StartsWith(file.path()) && Contains("E-p:32:32"));
  }
  SECTION("defined twice") {
    TemporaryFile a("define void @twice() { ret void }"), b("define void @twice() { ret void }");
    CHECK_THAT(refusal({a.path(), b.path()}), StartsWith(b.path()) && Contains("twice"));
  }
}

TEST_CASE("loading leaves the context's own diagnostics alone", "[load]") {
  LLVMContext context;
  int seen = 0;
  auto count = [](const DiagnosticInfo *, void *into) { ++*static_cast<int *>(into); };
  context.setDiagnosticHandlerCallBack(count, &seen);
  TemporaryFile a("define void @twice() { ret void }"), b("define void @twice() { ret void }");
  auto program = load_program(context, {a.path(), b.path()});
  REQUIRE_FALSE(bool(program));
  consumeError(program.takeError());
  CHECK(seen == 0);
  context.emitError("mine");
  CHECK(seen == 1);
}
