#include "runtime/code/process_symbols.h"

#include "compiler/base/address_of.h"
#include "runtime/code/symbol_file.h"
#include "runtime/machine/dwarf_numbers.h"
#include "runtime/machine/processor_symbols.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/IR/RuntimeLibcalls.h>

#include <cstdlib>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>

extern "C" {
extern void *__dso_handle;      // names this program to __cxa_atexit
}

namespace osr {
namespace {

/// What every C or C++ program is linked with, or may be.
constexpr llvm::StringLiteral of_languages[] = {
    "libc.so.6",  "libm.so.6",  "libgcc_s.so.1",   "libstdc++.so.6", "libc++.so.1",
    "libdl.so.2", "librt.so.1", "libpthread.so.0", "libatomic.so.1", "libc++abi.so.1",
};
/// What the runtime is linked with, by the beginnings of names. The last three come with LLVM, which may be a part of
/// the executable.
constexpr llvm::StringLiteral of_runtime[] = {"libLLVM",        "libasmjit", "libfmt",  "libmimalloc", "libunwind.so.8",
                                              unwinder_library, "libedit",   "libz.so", "libzstd.so"};

} // namespace

std::vector<std::pair<std::string, std::uint64_t>> missing_process_symbols() {
  std::vector<std::pair<std::string, std::uint64_t>> candidates = {
      {"atexit", address_of(&::atexit)},
      {"at_quick_exit", address_of(&::at_quick_exit)},
      {"pthread_atfork", address_of(&::pthread_atfork)},
      {"stat", address_of(&::stat)},
      {"lstat", address_of(&::lstat)},
      {"fstat", address_of(&::fstat)},
      {"fstatat", address_of(&::fstatat)},
      {"mknod", address_of(&::mknod)},
      {"mknodat", address_of(&::mknodat)},
      {"__dso_handle", address_of(&__dso_handle)},
  };
  llvm::append_range(candidates, processor_symbols());
  llvm::erase_if(candidates, [](const auto &symbol) { return ::dlsym(RTLD_DEFAULT, symbol.first.c_str()) != nullptr; });
  return candidates;
}

std::shared_ptr<const ProcessSymbols::View> ProcessSymbols::look_around(const std::vector<std::uint64_t> &asked_for) {
  const auto view = std::make_shared<View>();
  Objects &objects = view->objects;
  objects.all = find_shared_objects();
  std::vector<bool> visible, hidden;
  for (const SharedObject &object : objects.all) {
    visible.push_back(llvm::is_contained(of_languages, object.name) || llvm::is_contained(asked_for, object.base));
    hidden.push_back(llvm::any_of(
        of_runtime, [&](llvm::StringRef begin) { return llvm::StringRef(object.name).starts_with(begin); }));
  }
  visible = find_needed(objects.all, std::move(visible));
  hidden = find_needed(objects.all, std::move(hidden));
  for (std::size_t i = 0; i != objects.all.size(); ++i) {
    const SharedObject &object = objects.all[i];
    const bool is_visible =
        !object.is_executable_file() && object.name != symbol_file_name && (visible[i] || !hidden[i]);
    objects.is_visible.push_back(is_visible);
    view->handles.push_back(is_visible ? ::dlopen(object.path.c_str(), RTLD_LAZY | RTLD_NOLOAD) : nullptr);
  }
  return view;
}

ProcessSymbols::ProcessSymbols() { renew_view(); }

std::shared_ptr<const ProcessSymbols::View> ProcessSymbols::view() const {
  Lock lock(mutex_);
  return view_;
}

std::shared_ptr<const ProcessSymbols::View> ProcessSymbols::renew_view() {
  std::vector<std::uint64_t> asked_for;
  {
    Lock lock(mutex_);
    asked_for = asked_for_;
  }
  auto view = look_around(asked_for);
  Lock lock(mutex_);
  return view_ = std::move(view);
}

ProcessSymbols::Objects ProcessSymbols::objects() { return renew_view()->objects; }

void ProcessSymbols::add_library(void *handle) {
  link_map *map = nullptr;
  const bool is_known = ::dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0;
  {
    Lock lock(mutex_);
    if (is_known)
      asked_for_.push_back(map->l_addr);
    known_.clear();
  }
  renew_view();
}

/// What `find` gives for the first library that has it, or 0.
std::uint64_t ProcessSymbols::look_in_libraries(const View &view, llvm::function_ref<void *(void *handle)> find) {
  for (void *handle : view.handles)
    if (handle)
      if (const std::uint64_t address = address_of(find(handle)))
        return address;
  return 0;
}

std::uint64_t ProcessSymbols::look_up_in_libraries(const std::string &name, const View &view) {
  return look_in_libraries(view, [&](void *handle) { return ::dlsym(handle, name.c_str()); });
}

/// "name@version", as compiler/canonical/symbol_versions.h writes it.
std::uint64_t ProcessSymbols::look_up_version(llvm::StringRef text, const View &view) {
  const auto [name, version] = text.split('@');
  if (version.empty())
    return 0;
  const auto find_in = [name = name.str(), version = version.str()](void *handle) {
    return ::dlvsym(handle, name.c_str(), version.c_str());
  };
  const std::uint64_t found = address_of(find_in(RTLD_DEFAULT));
  return found ? found : look_in_libraries(view, find_in);
}

std::uint64_t ProcessSymbols::look_up(const std::string &name, const View &view) {
  const std::uint64_t found = address_of(::dlsym(RTLD_DEFAULT, name.c_str()));
  if (!found)
    return look_up_version(name, view);
  const Objects &objects = view.objects;
  const auto owner =
      llvm::find_if(objects.all, [&](const SharedObject &object) { return object.addresses.contains(found); });
  const bool is_found = owner == objects.all.end() || owner->is_executable_file() ||
                        objects.is_visible[std::size_t(owner - objects.all.begin())];
  return is_found ? found : look_up_in_libraries(name, view);
}

std::uint64_t ProcessSymbols::find(llvm::StringRef name) {
  std::shared_ptr<const View> view;
  {
    Lock lock(mutex_);
    if (const auto known = known_.find(name); known != known_.end())
      return known->second;
    view = view_;
  }
  const std::uint64_t found = look_up(name.str(), *view);
  Lock lock(mutex_);
  return known_.try_emplace(name, found).first->second;
}

void ProcessSymbols::find_what_compilers_call(const llvm::Triple &target) {
  const llvm::TargetLibraryInfoImpl known(target);
  const llvm::TargetLibraryInfo library(known);
  for (unsigned function = 0; function != llvm::NumLibFuncs; ++function)
    if (library.has(llvm::LibFunc(function)))
      find(library.getName(llvm::LibFunc(function)));
  const llvm::RTLIB::RuntimeLibcallsInfo calls(target);
  for (const llvm::RTLIB::LibcallImpl call : llvm::RTLIB::libcall_impls())
    if (calls.isAvailable(call))
      find(calls.getLibcallImplName(call));
}

std::uint64_t ProcessSymbols::find_now(llvm::StringRef name) { return look_up(name.str(), *view()); }

std::uint64_t ProcessSymbols::find_in_libraries(llvm::StringRef name) {
  return look_up_in_libraries(name.str(), *view());
}

std::uint64_t ProcessSymbols::find_for_generated_code(llvm::StringRef name) {
  static const auto &names = *[] {
    auto *all = new llvm::StringSet<>;
    for (const llvm::RTLIB::LibcallImpl call : llvm::RTLIB::libcall_impls())
      all->insert(llvm::RTLIB::RuntimeLibcallsInfo::getLibcallImplName(call));
    return all;
  }();
  return names.contains(name) ? find(name) : 0;
}

llvm::Error NameGenerator::tryToGenerate(llvm::orc::LookupState &, llvm::orc::LookupKind, llvm::orc::JITDylib &dylib,
                                         llvm::orc::JITDylibLookupFlags, const llvm::orc::SymbolLookupSet &symbols) {
  llvm::orc::SymbolMap made;
  for (const auto &[symbol, flags] : symbols)
    if (const std::uint64_t address = find_(*symbol))
      made[symbol] = {llvm::orc::ExecutorAddr(address), llvm::JITSymbolFlags::Exported};
  return made.empty() ? llvm::Error::success() : dylib.define(llvm::orc::absoluteSymbols(std::move(made)));
}

} // namespace osr
