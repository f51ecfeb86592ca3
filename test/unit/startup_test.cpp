// Checks what is asked before a program runs: shadow stack, type of main, whose allocator it is.
#include "compiler/target/target.h"
#include "runtime/engine/engine.h"
#include "runtime/facade/create_runtime.h"
#include "runtime/guest/startup_checks.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

#include <pthread.h>

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

TEST_CASE("A host that uses all keys for thread-specific data gets an error") {
  std::vector<pthread_key_t> keys;
  for (pthread_key_t key; pthread_key_create(&key, nullptr) == 0;)
    keys.push_back(key);
  LLVMContext context;
  auto runtime = create_runtime(program_of(context, trivial), {});
  for (pthread_key_t key : keys)
    pthread_key_delete(key);
  REQUIRE_FALSE(bool(runtime));
  CHECK_THAT(toString(runtime.takeError()), Contains("pthread_key_create"));
}

TEST_CASE("Without a shadow stack return PCs are rewritten unless something else is asked for") {
  LLVMContext context;
  Runtime::Options options;
  options.has_shadow_stack = [] { return false; };
  auto runtime = create_runtime(program_of(context, trivial), std::move(options));
  REQUIRE(bool(runtime));
  CHECK_FALSE((*runtime)->engine().redirector().concerns_sites());
  CHECK(toString(check_main((*runtime)->engine().program())) == "");

  auto second = create_runtime(program_of(context, trivial), {});
  REQUIRE_FALSE(bool(second));
  CHECK_THAT(toString(second.takeError()), Contains("a whole program in this process already"));
}

TEST_CASE("main must be callable as main") {
  CHECK_THAT(main_refusal("define i32 @start() {\n  ret i32 0\n}\n"), Contains("no function 'main'"));
  CHECK_THAT(main_refusal("define float @main() {\n  ret float 0.0\n}\n"), Contains("'main'") && Contains("float ()"));
  CHECK_THAT(main_refusal("define i32 @main(i32 %n, i128 %w) {\n  ret i32 0\n}\n"), Contains("i32 (i32, i128)"));
  CHECK(main_refusal("define void @main() {\n  ret void\n}\n") == "");
  CHECK(main_refusal("define i32 @main(i32 %n, ...) {\n  ret i32 0\n}\n") == "");
  CHECK(main_refusal("define i32 @main(i32 %n, ptr %a, ptr %e) {\n  ret i32 0\n}\n") == "");
}

TEST_CASE("In a process that cannot tell blocks apart, allocators of a program are refused by name") {
  LLVMContext context;
  const auto refusal = [&](const char *name, const char *linkage) {
    const std::string text =
        std::string(trivial) + "define " + linkage + " ptr @" + name + "(i64 %n) {\n  ret ptr null\n}\n";
    return toString(check_allocation(program_of(context, text)));
  };
  CHECK_THAT(refusal("_Znwm", ""), Contains("operator new(unsigned long)") && Contains("osr_interposed_calls"));
  CHECK_THAT(refusal("_ZdaPvSt11align_val_t", ""), Contains("operator delete[]"));
  CHECK_THAT(refusal("calloc", ""), Contains("'calloc'") && Contains("LD_PRELOAD"));
  CHECK(refusal("_Znwm", "hidden") == "");
  CHECK(refusal("_Znw_of_mine", "") == "");
}
