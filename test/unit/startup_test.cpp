// Checks what is asked before a program runs: shadow stack and type of main.
#include "compiler/codegen/target.h"
#include "runtime/osr/runtime.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

CanonicalProgram program_of(LLVMContext &context, StringRef text) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context);
  REQUIRE(module);
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  return cantFail(canonicalize(std::move(module), *machine));
}

constexpr const char *trivial = "define i32 @main() {\n  ret i32 0\n}\n";

std::string main_refusal(StringRef text) {
  LLVMContext context;
  return toString(check_main(program_of(context, text)));
}

} // namespace

TEST_CASE("Without a shadow stack return PCs are rewritten unless something else is asked for") {
  LLVMContext context;
  Runtime::Options options;
  options.has_shadow_stack = [] { return false; };
  auto runtime = Runtime::create(program_of(context, trivial), std::move(options));
  REQUIRE(bool(runtime));
  CHECK((*runtime)->mechanism() == Mechanism::ReturnPc);
  CHECK(toString(check_main((*runtime)->program())) == "");
}

TEST_CASE("main must be callable as main") {
  CHECK_THAT(main_refusal("define i32 @start() {\n  ret i32 0\n}\n"), Contains("no function 'main'"));
  CHECK_THAT(main_refusal("define void @main() {\n  ret void\n}\n"), Contains("'main'") && Contains("void ()"));
  CHECK_THAT(main_refusal("define i32 @main(i32 %n, ...) {\n  ret i32 0\n}\n"), Contains("i32 (i32, ...)"));
  CHECK(main_refusal("define i32 @main(i32 %n, ptr %a, ptr %e) {\n  ret i32 0\n}\n") == "");
}
