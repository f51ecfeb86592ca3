// The canonical program: one module, and what later steps need to know about it. Every tier is made from a copy of it.
#pragma once

#include "compiler/base/body_lines.h"
#include "compiler/base/site.h"
#include "compiler/canonical/load.h"
#include "compiler/canonical/source_lines.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Why the activations of a function are never replaced. Such a function is compiled and called like all others.
enum class PinReason {
  None,              ///< replaceable
  ReturnsTwice,      ///< calls setjmp or the like: its frame is returned to a second time
  VariableArguments, ///< uses va_start, or hands all of them on: its frame or registers hold them
  Naked,             ///< has no frame of ours at all
  FrameAddress,      ///< asks for the address or contents of its own frame
  ExceptionHandling, ///< catches or cleans up in ways that cannot be replaced: funclets, types without names
  ExceptionTables, ///< catches or cleans up under a personality that remembers the tables of code which exceptions landed in
  AsmGoto, ///< inline assembly that jumps
  ResultInMemory, ///< returns a value that does not fit into the return registers
  ArgumentKind, ///< receives or passes inalloca, preallocated, swift or similar arguments
  CallingConvention, ///< it or one of its callees saves other registers than the C convention
  RealignedFrame, ///< passes an argument or gets a result on the stack that wants more alignment than the stack has
  ObjectKind, ///< has a local object that must stay in the frame
  TailCallByValue, ///< a guaranteed tail call passes an argument in the caller's own argument area
  LargeAggregate, ///< has a first-class aggregate with too many members to be kept as scalars
};

/// The reason as a part of a sentence for people: "f is never replaced because it " + text. "" for None.
const char *to_string(PinReason reason);

/// What follows the name that a function has for people: it is one of a module's own, or of a library, or an old body.
inline constexpr const char *local_mark = "$of.", *library_mark = "$in.", *old_body_mark = "$was.";
inline llvm::StringRef name_for_people(llvm::StringRef name) {
  return name.split(old_body_mark).first.split(local_mark).first.split(library_mark).first;
}

struct FunctionInfo {
  FunctionId id = 0;
  std::string name;
  PinReason pinned = PinReason::None;
  /// Filled by compiler/sites, of most functions when something is first made of them. Nothing until then.
  std::optional<std::vector<Site>> numbered_sites;
  /// What the front end says about it. The function's own attributes are more: those that follow from this body, and
  /// from the bodies that it calls.
  llvm::AttributeList declared;
  /// What calls through pointers of its type expect in front of its entry (-fsanitize=kcfi).
  std::optional<std::uint32_t> type_hash;
  bool came_later = false; ///< it is not of CanonicalProgram::files: a new body, or of a module that was added
  BodyLines lines; ///< of one that came later (compiler/codegen/numbered_lines.h)
  bool uses_references = false; ///< see compiler/sites/references.h; filled there
  std::uint32_t profile_points = 0; ///< how many it has; inserted by compiler/sites

  bool is_numbered() const { return numbered_sites.has_value(); }
  /// To be asked when they are numbered (Compiler::number).
  const std::vector<Site> &sites() const;
};

/// A site at which activations can be replaced; the error says which sites there are, or why there are none. To be
/// asked when the sites are numbered.
llvm::Expected<const Site *> find_site(const FunctionInfo &function, std::uint32_t index);

/// One function of llvm.global_ctors or llvm.global_dtors.
struct StaticAction {
  std::string function;
  std::uint32_t priority = 65535;
};

/// A second name of a symbol. No use of it is left in the module; the linker has to define it.
struct Alias {
  std::string name;
  std::string target;
  std::int64_t offset = 0; ///< bytes from the target
  bool is_thread_local = false;
};

/// A definition that shared libraries may find by its name.
struct Export {
  std::string name;
  bool is_function = true;
  /// All definitions of this name mean the same (inline functions of C++): which of them is used makes no difference.
  bool is_one_of_many = false;
};

/// Owns the module. Not thread-safe while it is changed; read-only use from many threads is fine as far as LLVM allows.
struct CanonicalProgram {
  std::unique_ptr<llvm::Module> module;
  std::vector<FunctionInfo> functions; ///< every definition, indexed by FunctionId
  std::vector<StaticAction> constructors; ///< in the order in which they have to run
  std::vector<StaticAction> destructors; ///< likewise
  std::vector<Alias> aliases;
  std::vector<Export> exports; ///< thread-local variables are none
  std::vector<unsigned> reference_spaces; ///< address spaces whose pointers a collector looks after
  /// The program as it was written, but with the names that its symbols have here. Null if nobody asked for it.
  std::unique_ptr<llvm::Module> source;
  DebugInformation debug = DebugInformation::Lines; ///< that it has
  std::vector<ProgramFile> files; ///< of a program with debug information: it was read from these

  /// The function of that name, or null. Aliases are not looked up.
  const FunctionInfo *find_function(llvm::StringRef name) const;

  /// The function that has this name or that an alias of this name stands for, or null.
  const FunctionInfo *find_aliased_function(llvm::StringRef name) const;

  /// Whether a function, variable or alias of that name is the program's own.
  bool defines(llvm::StringRef name) const;

  /// The entry of a definition or of any clone of one; the function must carry `function_id_attribute`.
  const FunctionInfo &info_of(const llvm::Function &function) const;
  FunctionInfo &info_of(const llvm::Function &function);
};

/// String attribute that every definition carries; its value is the FunctionId in decimal. Clones inherit it.
inline constexpr const char *function_id_attribute = "osr-function";

enum class KeepSource : std::uint8_t { No, Yes, WithVariables }; ///< the last one with all debug information

/// Turns any valid module for `machine` (x86-64) into the canonical form described in canonicalize.cpp.
///
/// Errors: constructs that cannot be given a stable meaning across versions (data placed before a function's
/// entry, label addresses given to inline assembly, ...); the text names the symbol and the way out.
llvm::Expected<CanonicalProgram> canonicalize(std::unique_ptr<llvm::Module> module, llvm::TargetMachine &machine,
                                              KeepSource keep_source = KeepSource::No,
                                              DebugInformation debug = DebugInformation::Lines);

} // namespace osr
