// Checks what happens when a runtime goes before its process. There is one runtime in a process, so this is a test of its
// own.
#include "compiler/target/target.h"
#include "runtime/facade/create_runtime.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;
using namespace osr;

TEST_CASE("When a host lets the runtime go before the process ends, the program's exit handlers run then") {
  static std::string noted;
  LLVMContext context;
  SMDiagnostic diagnostic;
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  Runtime::Options options;
  options.host_symbols = {{"note", reinterpret_cast<std::uint64_t>(+[](char what) { noted += what; })}};
  auto module = parseAssemblyString(R"(
    declare i32 @atexit(ptr)
    declare void @note(i8)
    define void @last() {
      call void @note(i8 108)
      ret void
    }
    define i32 @main() {
      %registered = call i32 @atexit(ptr @last)
      call void @note(i8 109)
      ret i32 0
    })",
                                    diagnostic, context);
  REQUIRE(module);
  auto runtime = cantFail(create_runtime(cantFail(canonicalize(std::move(module), *machine)), std::move(options)));
  CHECK(cantFail(runtime->run_main({"program"})) == 0);
  CHECK(noted == "m");
  runtime.reset();
  CHECK(noted == "ml");
}
