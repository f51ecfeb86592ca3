#include "runtime/guest/startup_checks.h"

#include "compiler/base/error.h"
#include "runtime/code/link_errors.h"
#include "runtime/guest/standard_library.h"
#include "runtime/threads/program_operators.h"

#include <fmt/format.h>
#include <llvm/Demangle/Demangle.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

/// What the C library calls where a program replaces it.
constexpr StringLiteral allocation_calls[] = {
    "malloc",        "free",           "calloc", "realloc", "memalign",
    "aligned_alloc", "posix_memalign", "valloc", "pvalloc", "malloc_usable_size",
};

/// Weak symbols may stay undefined, and variables may lie in a segment of their own.
bool needs_definition(const GlobalValue &value) {
  if (!value.isDeclaration() || value.use_empty() || value.hasExternalWeakLinkage() || value.getAddressSpace() != 0)
    return false;
  const auto *function = dyn_cast<Function>(&value);
  return !function || !(function->isIntrinsic() || function->getName().starts_with("osr."));
}

bool fits_register(const Type *type) {
  return type->isPointerTy() || (type->isIntegerTy() && type->getIntegerBitWidth() <= 64);
}

} // namespace

Error check_main(const CanonicalProgram &program) {
  const FunctionInfo *main = program.find_aliased_function("main");
  if (!main)
    return make_error("the program defines no function 'main'; link the module that does");
  const FunctionType *type = program.module->getFunction(main->name)->getFunctionType();
  const bool can_return = type->getReturnType()->isVoidTy() || fits_register(type->getReturnType());
  if (can_return && type->getNumParams() <= 3 && all_of(type->params(), fits_register))
    return Error::success();
  std::string text;
  raw_string_ostream(text) << *type;
  return make_error("'main' has the type '{}'; it may return an integer, and take up to three integers and pointers",
                    text);
}

Error check_allocation(const CanonicalProgram &program) {
  for (const Export &known : program.exports)
    if (is_contained(allocation_calls, known.name))
      return make_error(
          "the program defines '{}', which its shared libraries call, and so do the runtime and LLVM in the "
          "same process: give it another name, or make a shared library of it and start osrctl, or the "
          "host, with that in LD_PRELOAD",
          known.name);
  if (can_replace_operators())
    return Error::success();
  for (const Export &known : program.exports)
    if (is_operator_new_or_delete(known.name))
      return make_error(
          "the program replaces '{}', which the runtime and LLVM call in the same process: the host has to "
          "link osr_interposed_calls and to export its symbols, and needs 16 GiB of address space for a "
          "heap of its own (see `ulimit -v`)",
          demangle(known.name));
  return Error::success();
}

Error check_symbols(const Module &module, CodeSession &session, const StringSet<> &to_be_defined) {
  if (Error error = check_standard_library(module))
    return error;
  if (Error error = check_unwinder(module))
    return error;
  std::vector<std::string> unresolved;
  for (const GlobalValue &value : module.global_values()) {
    if (!needs_definition(value) || to_be_defined.contains(value.getName()))
      continue;
    // Code reaches a thread-local variable through its control object.
    auto address = session.lookup((value.isThreadLocal() ? "__emutls_v." : "") + value.getName().str());
    if (address)
      continue;
    consumeError(address.takeError());
    unresolved.push_back(fmt::format("'{}'", value.getName().str()));
  }
  if (unresolved.empty())
    return Error::success();
  return make_error("{}", unresolved_symbols(unresolved));
}

bool may_handle_signals(const CanonicalProgram &program, const std::vector<std::string> &libraries) {
  static constexpr const char *ways[] = {"signal",        "sigaction", "__sigaction", "bsd_signal", "sysv_signal",
                                         "__sysv_signal", "ssignal",   "sigset",      "sigvec",     "syscall",
                                         "dlopen",        "dlmopen",   "dlsym"};
  return !libraries.empty() ||
         any_of(ways, [&](const char *name) { return program.module->getFunction(name) != nullptr; });
}

} // namespace osr
