// Name spaces of a program that grows.
#pragma once

#include "osr/runtime.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/ExecutionEngine/Orc/ThreadSafeModule.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <string>

namespace osr {

/// Modules whose names are one name space, as those of a JITDylib of ORC's. Runtime::add adds to the main library. What a module
/// refers to is looked for in its own library, in those of its link order, in the main library, among what the host has defined, and in the
/// process, in this order, when the module is added; the first that has it then is meant from there on. What nobody has then is bound to the
/// first definition that is added later in one of these libraries, or by Runtime::define; functions that use it cannot be compiled before.
/// A handle: copies mean the same library, which exists as long as its runtime. All functions may be called from any thread.
/// Example:
///
///     auto lists = cantFail(Library::create(*runtime, "lists")), program = cantFail(Library::create(*runtime, "program"));
///     cantFail(program.add_to_link_order(lists));
///     cantFail(lists.add(std::move(module)));
///
/// Definitions of a name in several libraries are several definitions, weak ones (linkonce_odr) too: of those in one library the first
/// counts. Runtime::initialize runs constructors of all libraries in the order of adding, Runtime::remove takes modules of all away; what
/// was bound to their functions stays so, and goes on when the same library defines them again.
class Library {
public:
  /// The name is for people and for name_of(): letters, digits, '_' and '.'. The error says that it is taken or has others, or that the
  /// program does not grow.
  static llvm::Expected<Library> create(Runtime &runtime, llvm::StringRef name);

  /// Modules that are added to this one from here on find what is in that one, behind what was there before. The error says that it is of another
  /// runtime.
  llvm::Error add_to_link_order(const Library &other);
  /// Runtime::add. The error may also be that the module has assembly of its own, whose names nobody can change: it belongs into the main
  /// library.
  llvm::Expected<ModuleId> add(llvm::orc::ThreadSafeModule module);
  /// Runtime::lookup, of what modules of this library find by that name.
  llvm::Expected<std::uint64_t> lookup(llvm::StringRef name);

  /// What a function or variable that this library defines, or would define, is called in the whole runtime: for Runtime::replace,
  /// redefine and the like, in IR for redefine, and in messages. Activations and events have the name without the library.
  std::string name_of(llvm::StringRef name) const;

private:
  Library(Runtime &runtime, std::size_t index, std::string name)
      : runtime_(&runtime), index_(index), name_(std::move(name)) {}

  Runtime *runtime_;
  std::size_t index_;
  std::string name_;
};

} // namespace osr
