// A program among the libraries of the process: what it finds by name, what they find of it, how it begins and ends.
#pragma once

#include "runtime/code/interposition.h"
#include "runtime/code/program_segments.h"
#include "runtime/engine/engine.h"
#include "runtime/guest/fde_finder.h"
#include "runtime/guest/loading_calls.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/program_name.h"
#include "runtime/guest/symbol_calls.h"

#include <llvm/Support/Error.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Whose the process is.
enum class Process : std::uint8_t {
  OfProgram, ///< it exists for one program, which is whole: exit and its kind are the program's, threads get larger stacks
  OfHost, ///< it may have any program, which grows: what ends the process, and its limits, are the host's
};

/// What a program finds in place of the C library's own functions, for threads, signals, names, libraries, memory.
enum class LibraryCalls : std::uint8_t { Ours, None };

/// Of a whole program, one per process (ProgramClaim). Not thread-safe unless it says so.
class GuestProgram {
public:
  /// `libraries` are loaded before the program is linked.
  GuestProgram(Engine &engine, std::vector<std::string> libraries, Process process,
               LibraryCalls calls = LibraryCalls::Ours);
  ~GuestProgram();

  /// Loads the libraries, links the program's variables, and binds both to each other. `symbols` come on top of what a
  /// program of C or C++ finds in place of its library's, and before that.
  /// Libraries come before the program, which refers to them; those that refer to the program come when it is there.
  llvm::Error link(std::vector<AbsoluteSymbol> symbols) OSR_REQUIRES(engine_lock);

  /// A handler of the program's, or of a library's, which may call what the program gave to it, may come at any time.
  bool may_handle_signals() const;

  /// From here on the process knows the program: unwinders, debuggers, whoever asks for names or segments.
  void install();
  /// What the program's entries, constructors and destructors get; the first is the process's name. Stays: other threads of the
  /// program may read it when main's has ended.
  void set_arguments(const std::vector<std::string> &arguments);
  char **arguments() { return argv_.data(); }
  std::size_t argument_count() const { return argv_.empty() ? 0 : argv_.size() - 1; }

  /// The libraries that refer to the program, as natively on its behalf: it may be called by their constructors.
  llvm::Error load_late_libraries(ProgramThread &self);
  /// In a thread of the program. Each gets argc, argv and envp, as the C library calls them.
  llvm::Error run(const std::vector<StaticAction> &actions);

  /// How often unwinders came by a frame that waits for a transition. Thread-safe.
  std::uint64_t stubs_unwound() const { return fde_finder_.stubs_found(); }

private:
  llvm::Error define_symbols(std::vector<AbsoluteSymbol> symbols);
  llvm::Error load_libraries();
  llvm::Error link_globals() OSR_REQUIRES(engine_lock);
  llvm::Error show();
  llvm::Error check_references();
  llvm::Expected<std::uint64_t> look_up(llvm::StringRef name);

  Engine &engine_;
  Process process_;
  LibraryCalls calls_;
  std::optional<WholeProcess> whole_process_;
  std::vector<std::string> libraries_, late_libraries_;
  FdeFinder fde_finder_;
  CodeNames code_names_;
  ProgramSegments segments_;
  std::unique_ptr<Interposition> interposition_;
  std::unique_ptr<LoadedProgram> loaded_;
  void *symbol_file_ = nullptr;
  std::string argument_text_; ///< main's arguments
  std::vector<char *> argv_; ///< where they are, with the null at its end
  std::optional<ProgramName> name_;
};

} // namespace osr
