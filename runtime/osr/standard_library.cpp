#include "runtime/osr/standard_library.h"

#include "compiler/base/error.h"

#include <dlfcn.h>

using namespace llvm;

namespace osr {
namespace {

/// std::__1 and std::exception_ptr, as they are mangled: libstdc++ has the latter in a namespace of its own.
constexpr StringLiteral libcxx_names[] = {"NSt3__1", "St13exception_ptr"};

/// Start of the library whose symbol of that name everybody gets; null if there is none.
const void *library_that_defines(const char *symbol) {
  void *address = ::dlsym(RTLD_DEFAULT, symbol);
  Dl_info info;
  return address && ::dladdr(address, &info) ? info.dli_fbase : nullptr;
}

const char *name_of_library(const void *begin) {
  Dl_info info;
  return begin && ::dladdr(begin, &info) && info.dli_fname ? info.dli_fname : "nobody";
}

} // namespace

const GlobalValue *find_libcxx_symbol(const Module &module) {
  for (const GlobalValue &value : module.global_values())
    for (StringRef name : libcxx_names)
      if (value.getName().contains(name))
        return &value;
  return nullptr;
}

bool process_uses_libcxx() {
  const void *only_in_libcxxabi = library_that_defines("__cxa_current_primary_exception");
  return only_in_libcxxabi && only_in_libcxxabi == library_that_defines("__cxa_throw");
}

Error check_standard_library(const Module &module) {
  const GlobalValue *symbol = find_libcxx_symbol(module);
  if (!symbol || process_uses_libcxx())
    return Error::success();
  return make_error("'{}' is of libc++, and this process has the C++ runtime of libstdc++: start it with "
                    "LD_PRELOAD=libc++abi.so.1:libc++.so.1, or compile the program with -stdlib=libstdc++",
                    symbol->getName().str());
}

Error check_unwinder(const Module &module) {
  if (none_of(module, [](const Function &function) { return function.hasPersonalityFn(); }))
    return Error::success();
  constexpr const char *symbol = "_Unwind_GetIP";
  void *libgcc = ::dlopen("libgcc_s.so.1", RTLD_LAZY | RTLD_NOLOAD);
  const void *wanted = libgcc ? ::dlsym(libgcc, symbol) : nullptr, *found = ::dlsym(RTLD_DEFAULT, symbol);
  if (wanted && wanted == found)
    return Error::success();
  return make_error(
      "exceptions of this process are carried by {}, which cannot find its way through compiled code: link "
      "the host against libgcc_s, before other libraries that unwind",
      name_of_library(found));
}

} // namespace osr
