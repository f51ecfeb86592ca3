// Links object files into a SlabArena: LLVM's ORC and JITLink without any of their platform support, so that nothing is
// registered anywhere behind our back.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/base/mutex.h"
#include "runtime/code/linked_object.h"
#include "runtime/code/process_symbols.h"
#include "runtime/code/slab_arena.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// A part of an engine that is told about every object.
class LinkObserver {
public:
  virtual ~LinkObserver() = default;
  /// The object is in place, nobody can run it yet. An error undoes the link. Must not call the session.
  virtual llvm::Error on_link(const LinkedObject &object) OSR_REQUIRES(engine_lock) = 0;
  /// The object is about to go; its memory is still there. Must not call the session.
  virtual void on_unload(const LinkedObject &object) OSR_REQUIRES(engine_lock) = 0;
};

/// Who may refer to the definitions of an object.
enum class Visibility : std::uint8_t {
  Exported, ///< the whole program, by name; each name once
  Private, ///< only the object itself; its names may exist elsewhere, LinkedObject::functions has the addresses
};

/// Where names are looked for that the program does not define.
struct NameSources {
  /// Asked first. May be null.
  std::function<std::optional<std::uint64_t>(llvm::StringRef name)> host;
  /// Asked then. False: only for what code generators call by themselves.
  bool process = true;
};

/// A symbol whose address is known.
using AbsoluteSymbol = std::pair<std::string, std::uint64_t>;
template <typename Function> AbsoluteSymbol symbol_of(const char *name, Function *function) {
  return {name, reinterpret_cast<std::uint64_t>(function)};
}

/// Thread-safe; links are made one at a time, with the lock of the engine whose parts observe them. A name is resolved among the exported definitions and
/// define_symbols first, then among those of define_library, then as NameSources says. Errors never go to stderr.
class CodeSession {
public:
  /// The arena must outlive the session.
  static llvm::Expected<std::unique_ptr<CodeSession>> create(SlabArena &arena, NameSources names = {});
  /// Frees all code. No thread may run or return into any of it.
  ~CodeSession();
  CodeSession(const CodeSession &) = delete;
  CodeSession &operator=(const CodeSession &) = delete;

  /// Links all of an ELF object at once. Undefined weak symbols become null. Static constructors are not run. An error
  /// names the object and all its unresolved symbols, or the name that is defined twice; then nothing stays behind.
  /// Of several weak (linkonce, COMMON) definitions of a name the first object's counts: it must stay loaded. What `own` names
  /// only this object means.
  llvm::Expected<LinkedObject> link(std::unique_ptr<llvm::MemoryBuffer> object,
                                    Visibility visibility = Visibility::Exported,
                                    llvm::ArrayRef<AbsoluteSymbol> own = {}) OSR_REQUIRES(engine_lock);

  /// Removes the object's symbols and frees its memory. No thread may run or return into it, no other object may
  /// refer to it.
  llvm::Error unload(LinkedObject &object) OSR_REQUIRES(engine_lock);

  /// Address of an exported definition, an absolute symbol or a symbol of the process.
  llvm::Expected<std::uint64_t> lookup(llvm::StringRef name);

  /// Defines names for objects linked from now on; overrides the process. A name that an object or an earlier call
  /// defined is an error, and then none is defined.
  llvm::Error define_symbols(llvm::ArrayRef<AbsoluteSymbol> symbols);

  /// Defines what a program finds where it defines no such name itself: what stands in place of a library's. Call once.
  llvm::Error define_library(llvm::ArrayRef<AbsoluteSymbol> symbols);

  /// Takes names back that define_symbols() defined. Objects that were linked with them keep the addresses.
  void undefine_symbols(llvm::ArrayRef<AbsoluteSymbol> symbols);

  /// By dlopen with RTLD_GLOBAL: the library's symbols become visible. It stays loaded. Null and the dynamic linker's error,
  /// or a handle for add_library.
  static void *open_library(const char *path);
  llvm::Error add_library(const std::string &path, void *library);
  llvm::Error load_library(const std::string &path) { return add_library(path, open_library(path.c_str())); }

  /// What the program finds of the process.
  ProcessSymbols &process_symbols() { return process_symbols_; }

  /// `observer` hears of objects linked from now on, in order of registration; it must outlive the session.
  void add_observer(LinkObserver &observer);

private:
  class CapturePlugin;

  CodeSession(std::unique_ptr<llvm::orc::ExecutorProcessControl> process, SlabArena &arena);
  llvm::Error set_up(NameSources names);
  llvm::Error add_graph(LinkedObject &object, std::unique_ptr<llvm::jitlink::LinkGraph> graph, Visibility visibility)
      OSR_REQUIRES(mutex_);
  llvm::Error materialize(LinkedObject &object, const llvm::orc::SymbolFlagsMap &symbols) OSR_REQUIRES(mutex_);
  void note_if_near(const llvm::orc::SymbolStringPtr &name, std::uint64_t address) OSR_REQUIRES(mutex_);
  llvm::Error remove(LinkedObject &object) OSR_REQUIRES(mutex_);
  llvm::Error notify_link(const LinkedObject &object) OSR_REQUIRES(mutex_, engine_lock);

  SlabArena &arena_;
  ProcessSymbols process_symbols_;
  Mutex mutex_;
  llvm::orc::ExecutionSession session_;
  std::unique_ptr<llvm::orc::ObjectLinkingLayer> layer_;
  std::shared_ptr<CapturePlugin> capture_;
  llvm::orc::JITDylib *program_ = nullptr; ///< exported definitions and absolute symbols
  llvm::orc::JITDylib *library_ = nullptr; ///< what stands in place of the process's
  llvm::orc::JITDylib *process_ = nullptr; ///< what the host and dlsym find, and what that should find
  llvm::DenseSet<llvm::orc::SymbolStringPtr>
      near_ OSR_GUARDED_BY(mutex_); ///< names in program_ whose address is in the arena
  std::vector<LinkObserver *> observers_ OSR_GUARDED_BY(mutex_);
  std::vector<llvm::Error> failures_ OSR_GUARDED_BY(mutex_); ///< reported by ORC during the current operation
  std::uint64_t link_count_ OSR_GUARDED_BY(mutex_) = 0;
};

} // namespace osr
