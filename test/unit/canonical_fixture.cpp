#include "canonical_fixture.h"

#include "compiler/base/run_passes.h"
#include "compiler/canonical/check_canonical.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/canonical/objects.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include <sys/mman.h>

extern "C" void *__emutls_get_address(void *);

using namespace llvm;
using namespace llvm::orc;

namespace osr {
namespace {

thread_local char *object_stack_top __attribute__((tls_model("initial-exec")));

constexpr std::size_t object_stack_size = 64u << 20;

std::int64_t tls_offset() {
  return reinterpret_cast<char *>(&object_stack_top) - static_cast<char *>(__builtin_thread_pointer());
}

void define_support(LLJIT &jit) {
  // Neither is exported by a shared library: atexit is in libc's static part, the other in libgcc.
  SymbolMap symbols;
  auto add = [&](const char *name, void *address) {
    symbols[jit.mangleAndIntern(name)] = {ExecutorAddr::fromPtr(address), JITSymbolFlags::Exported};
  };
  add("__emutls_get_address", reinterpret_cast<void *>(&__emutls_get_address));
  add("atexit", reinterpret_cast<void *>(&atexit));
  cantFail(jit.getMainJITDylib().define(absoluteSymbols(std::move(symbols))));
}

} // namespace

CanonicalFixture::CanonicalFixture() : context_(std::make_unique<LLVMContext>()) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  InitializeNativeTargetAsmParser();
  Triple triple("x86_64-pc-linux-gnu");
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  REQUIRE(target);
  TargetOptions options;
  options.EmulatedTLS = true;
  std::string features; // the name of a processor says more than a virtual machine may have
  for (const auto &[feature, is_there] : sys::getHostCPUFeatures())
    features += (is_there ? "+" : "-") + feature.str() + ",";
  machine_.reset(target->createTargetMachine(triple, sys::getHostCPUName(), features, options, Reloc::PIC_,
                                             std::nullopt, CodeGenOptLevel::None));
}

std::unique_ptr<Module> CanonicalFixture::parse(const std::string &text) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, *context_);
  INFO(diagnostic.getMessage().str() << " in line " << diagnostic.getLineNo() << " of\n" << text);
  REQUIRE(module);
  return module;
}

CanonicalProgram CanonicalFixture::canonical(const std::string &text) {
  auto program = canonicalize(parse(text), *machine_);
  if (!program)
    FAIL(toString(program.takeError()));
  for (const FunctionInfo &info : program->functions)
    check_canonical(*program->module->getFunction(info.name), info);
  return std::move(*program);
}

std::string CanonicalFixture::refusal(const std::string &text) {
  auto program = canonicalize(parse(text), *machine_);
  REQUIRE_FALSE(bool(program));
  return toString(program.takeError());
}

void CanonicalFixture::optimize(Module &module) {
  PassBuilder builder(machine_.get());
  run_passes(module, builder, builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2));
}

std::vector<CallBase *> calls_of(Function &function, StringRef callee) {
  std::vector<CallBase *> found;
  for (CallBase *call : all<CallBase>(function))
    if (call->getCalledFunction() && call->getCalledFunction()->getName() == callee)
      found.push_back(call);
  return found;
}

std::string print(const Module &module) {
  std::string text;
  raw_string_ostream(text) << module;
  return text;
}

void run(std::unique_ptr<Module> module, TargetMachine &machine, const std::string &name,
         const std::function<void(void *)> &use) {
  lower_objects(*module, tls_offset());
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  auto object = cantFail(SimpleCompiler(machine)(*module));

  // The inactive platform: LLJIT's own would catch atexit, and static constructors are not the module's any more.
  auto jit = cantFail(LLJITBuilder().setPlatformSetUp(setUpInactivePlatform).create());
  define_support(*jit);
  cantFail(jit->addObjectFile(std::move(object)));
  void *address = cantFail(jit->lookup(name)).toPtr<void *>();

  void *memory =
      mmap(nullptr, object_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  char *top = static_cast<char *>(memory) + object_stack_size;
  object_stack_top = top;
  use(address);
  CHECK(object_stack_top == top);
  munmap(memory, object_stack_size);
}

} // namespace osr
