// What the program finds of this process when it names a symbol: what it would find in a process of its own.
#pragma once

#include "runtime/code/shared_objects.h"
#include "runtime/process/leaf_mutex.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ExecutionEngine/Orc/Core.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// Symbols that every C program may use although no shared library exports them: those of them that dlsym does not find
/// in this process. On Linux a static part of libc or libgcc is linked into each program to provide them; ours serve the
/// program we run.
std::vector<std::pair<std::string, std::uint64_t>> missing_process_symbols();

/// Libraries that only the runtime needs (LLVM and what it needs, for one) are in the process too, and not the program's:
/// a weak reference must not find them. Those of the language, those that the program asks for by name, the executable
/// and all that a host has brought along are. Thread-safe; no lock is held while the dynamic linker is asked, whose own
/// lock belongs to whoever loads a library, and so to the library's constructors, which may come here too.
class ProcessSymbols {
public:
  ProcessSymbols();

  /// What has been asked once has the same answer for ever: what is loaded later does not change references that exist.
  /// 0: there is none.
  std::uint64_t find(llvm::StringRef name);
  /// Finds out now what compiled code may call without the program's having named it.
  void find_what_compilers_call(const llvm::Triple &target);
  /// The same with what was loaded meanwhile.
  std::uint64_t find_now(llvm::StringRef name);
  /// The same in libraries alone, as what comes behind the program.
  std::uint64_t find_in_libraries(llvm::StringRef name);

  /// The same if code generators may call it by themselves; else 0.
  std::uint64_t find_for_generated_code(llvm::StringRef name);

  /// A library that the program has asked for, and what it needs.
  void add_library(void *handle);

  /// The objects of the process now, and which of them are libraries of the program.
  struct Objects {
    std::vector<SharedObject> all;
    std::vector<bool> is_visible; ///< false for the executable
  };
  Objects objects();

private:
  /// As it was at some time; who uses it keeps it.
  struct View {
    Objects objects;
    std::vector<void *> handles; ///< by object; null where they are not visible
  };
  static std::shared_ptr<const View> look_around(const std::vector<std::uint64_t> &asked_for);
  static std::uint64_t look_up(const std::string &name, const View &view);
  static std::uint64_t look_up_version(llvm::StringRef text, const View &view);
  static std::uint64_t look_in_libraries(const View &view, llvm::function_ref<void *(void *handle)> find);
  static std::uint64_t look_up_in_libraries(const std::string &name, const View &view);
  std::shared_ptr<const View> view() const;
  std::shared_ptr<const View> renew_view();

  mutable LeafMutex mutex_;
  std::vector<std::uint64_t> asked_for_ OSR_GUARDED_BY(mutex_); ///< bases of libraries
  std::shared_ptr<const View> view_ OSR_GUARDED_BY(mutex_);
  llvm::StringMap<std::uint64_t> known_ OSR_GUARDED_BY(mutex_);
};

/// What gives a name its address, 0: it does not know it, for ORC.
class NameGenerator final : public llvm::orc::DefinitionGenerator {
public:
  using Find = std::function<std::uint64_t(llvm::StringRef name)>;
  explicit NameGenerator(Find find) : find_(std::move(find)) {}
  llvm::Error tryToGenerate(llvm::orc::LookupState &state, llvm::orc::LookupKind kind, llvm::orc::JITDylib &dylib,
                            llvm::orc::JITDylibLookupFlags flags, const llvm::orc::SymbolLookupSet &symbols) override;

private:
  Find find_;
};

} // namespace osr
