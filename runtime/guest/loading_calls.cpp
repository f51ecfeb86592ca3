#include "runtime/guest/loading_calls.h"

#include "compiler/base/address_of.h"
#include "runtime/code/range_map.h"
#include "runtime/stack/walkable_code.h"
#include "runtime/threads/undisturbed.h"

#include <dlfcn.h>

namespace osr {
namespace {

constinit RangeMap<const LoadedProgram> loaded;

/// A call that was the last thing that a function did comes from wherever that returns to.
const LoadedProgram *program_that_calls(const void *return_pc) {
  const auto pc = reinterpret_cast<std::uint64_t>(return_pc);
  if (const LoadedProgram *program = loaded.find(pc))
    return program;
  const LoadedProgram *any = nullptr;
  if (!WalkableCode::is_of_any(pc))
    loaded.visit_until([&](const LoadedProgram &program) { return any = &program; });
  return any;
}

/// Nothing is called so: the answer of the dynamic linker to it is the error that the program may ask for.
void *not_found(const char *name) {
  static void *const library = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return ::dlsym(library, name);
}

void *program_dlsym(void *handle, const char *name) {
  const auto elsewhere = [=] { return ::dlsym(handle, name); };
  const LoadedProgram *program = program_that_calls(__builtin_return_address(0));
  return program ? program->find(handle, name, elsewhere) : elsewhere();
}

void *program_dlvsym(void *handle, const char *name, const char *version) {
  const auto elsewhere = [=] { return ::dlvsym(handle == RTLD_NEXT ? RTLD_DEFAULT : handle, name, version); };
  const LoadedProgram *program = program_that_calls(__builtin_return_address(0));
  return program && handle == RTLD_NEXT ? program->find(handle, name, elsewhere) : elsewhere();
}

} // namespace

LoadedProgram::LoadedProgram(Extent addresses, llvm::ArrayRef<ProgramSymbol> symbols,
                             const Interposition &interposition, ProcessSymbols &process)
    : interposition_(interposition), process_(process), executable_(::dlopen(nullptr, RTLD_LAZY)) {
  for (const ProgramSymbol &symbol : symbols)
    symbols_[symbol.name] = symbol.address;
  loaded.add(addresses, *this);
}

LoadedProgram::~LoadedProgram() { loaded.remove(*this); }

bool LoadedProgram::is_own_handle(void *handle) const { return handle == RTLD_DEFAULT || handle == executable_; }

void *LoadedProgram::find(void *handle, const char *name, llvm::function_ref<void *()> elsewhere) const {
  Undisturbed undisturbed;
  const auto own = symbols_.find(name);
  if (is_own_handle(handle) && own != symbols_.end())
    return reinterpret_cast<void *>(own->second);
  if (const std::uint64_t original = interposition_.find_original(name)) {
    // A library's own, which its symbol table does not say any more.
    void *found = handle == RTLD_NEXT ? nullptr : elsewhere();
    const bool is_programs =
        handle == RTLD_NEXT || reinterpret_cast<std::uint64_t>(found) == interposition_.shown_address(name, 0);
    return is_programs ? reinterpret_cast<void *>(original) : found;
  }
  if (!is_own_handle(handle) && handle != RTLD_NEXT)
    return elsewhere();
  if (handle == RTLD_NEXT && own != symbols_.end()) {
    const std::uint64_t next = process_.find_in_libraries(name);
    return next ? reinterpret_cast<void *>(next) : not_found(name);
  }
  const std::uint64_t found = process_.find_now(name);
  return found ? reinterpret_cast<void *>(found) : not_found(name);
}

std::vector<AbsoluteSymbol> loading_call_symbols() {
  return {{"dlsym", address_of(program_dlsym)}, {"dlvsym", address_of(program_dlvsym)}};
}

} // namespace osr
