#include "runtime/guest/standard_library.h"

#include "compiler/base/error.h"

#include <dlfcn.h>
#include <optional>

using namespace llvm;

namespace osr {
namespace {

/// std::__1 and std::exception_ptr, as they are mangled: libstdc++ has the latter in a namespace of its own.
constexpr StringLiteral libcxx_names[] = {"NSt3__1", "St13exception_ptr"};

/// The library that an address lies in; nothing for no address.
std::optional<Dl_info> library_of(const void *address) {
  Dl_info info;
  return address && ::dladdr(address, &info) ? std::optional(info) : std::nullopt;
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
  const auto only_in_libcxxabi = library_of(::dlsym(RTLD_DEFAULT, "__cxa_current_primary_exception"));
  const auto throwing = library_of(::dlsym(RTLD_DEFAULT, "__cxa_throw"));
  return only_in_libcxxabi && throwing && only_in_libcxxabi->dli_fbase == throwing->dli_fbase;
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
  const auto library = library_of(found);
  return make_error(
      "exceptions of this process are carried by {}, which cannot find its way through compiled code: link "
      "the host against libgcc_s, before other libraries that unwind",
      library ? library->dli_fname : "nobody");
}

} // namespace osr
