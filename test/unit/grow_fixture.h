// A program that grows, in a test: modules from text, and calls of their functions.
#pragma once

#include "osr/runtime.h"
#include "osr/thread.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/SourceMgr.h>

namespace osr {

inline llvm::orc::ThreadSafeModule module_of(const std::string &text, const std::string &name = "module") {
  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, *context);
  if (!module) // threads come here, and what reports tests is not made for several
    llvm::report_fatal_error(llvm::Twine(diagnostic.getMessage()) + " in line " + llvm::Twine(diagnostic.getLineNo()) +
                             " of\n" + text);
  module->setModuleIdentifier(name);
  return {std::move(module), std::move(context)};
}

inline std::unique_ptr<Runtime> runtime_with(const std::vector<std::string> &modules, Runtime::Options options = {}) {
  auto runtime = llvm::cantFail(Runtime::create(std::move(options)));
  for (const std::string &text : modules)
    llvm::cantFail(runtime->add(module_of(text)));
  return runtime;
}

inline std::uint64_t call(Runtime &runtime, const std::string &name, std::uint64_t first = 0,
                          std::uint64_t second = 0) {
  auto thread = llvm::cantFail(ThreadAttachment::attach());
  return thread.call(llvm::cantFail(runtime.lookup(name)), first, second);
}

/// Calls the host when all activations are on the stack.
inline constexpr const char *recursion = R"(
  declare i64 @host(i64)
  define i64 @sum(i64 %n) {
    %stop = icmp eq i64 %n, 0
    br i1 %stop, label %end, label %more
  end:
    %h = call i64 @host(i64 0)
    ret i64 %h
  more:
    %less = sub i64 %n, 1
    %rest = call i64 @sum(i64 %less)
    %all = add i64 %rest, %n
    ret i64 %all
  })";

} // namespace osr
