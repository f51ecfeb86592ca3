// A host program that runs a module on the runtime and replaces its frames: what a VM author writes.
//
//   $ clang-22 -O1 -emit-llvm -c queens.c && embed queens.bc 8
#include <osr/program_exit.h>
#include <osr/runtime.h>

#include <llvm/IR/LLVMContext.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SourceMgr.h>

#include <cstdio>

namespace {

llvm::Expected<int> run(const std::vector<std::string> &arguments) {
  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseIRFile(arguments.front(), diagnostic, *context);
  if (!module)
    return llvm::createStringError(diagnostic.getMessage());

  osr::Runtime::Options options;
  options.tier = osr::Tier::Optimized;
  options.stress.kind = osr::StressMode::Kind::Every; // each return goes to the other tier
  auto runtime = osr::Runtime::create({std::move(module), std::move(context)}, std::move(options));
  if (!runtime)
    return runtime.takeError();
  // It lives until the process is gone: the program's own exit may run at any time.
  static std::unique_ptr<osr::Runtime> running = std::move(*runtime);
  auto status = running->run_main(arguments);
  if (status)
    std::printf("%llu frames changed their tier\n", (unsigned long long)running->snapshot()->frames_rewritten);
  return status;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: embed PROGRAM [ARGS...]\n");
    return 2;
  }
  auto status = run({argv + 1, argv + argc});
  if (!status) {
    std::fprintf(stderr, "embed: %s\n", llvm::toString(status.takeError()).c_str());
    return 1;
  }
  osr::exit_program(*status); // runs the program's exit handlers and static destructors first
}
