// Lines and variables of a running program's sites, found out when somebody asks for them.
#pragma once

#include "compiler/base/mutex.h"
#include "compiler/sites/source_globals.h"
#include "compiler/sites/source_table.h"
#include "runtime/engine/engine.h"
#include "runtime/redefine/redefiner.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <map>
#include <string>

namespace osr {

/// What compiler/sites/source_table.h says of all functions that the program began with. Thread-safe.
class SourceTables final : public VariableTables {
public:
  explicit SourceTables(Engine &engine) : engine_(engine) {}

  /// Reads the program again, in a context of its own: takes about as long as a start, the first time. Without the engine's lock:
  /// only forks and changes of the program wait meanwhile, as for a compile. The error says why there is nothing to be known.
  llvm::Error prepare() override;

  /// What prepare() takes its time for was done, or somebody does it.
  bool is_prepared() const { return is_begun_; }

  // After prepare() has succeeded:
  /// Null: nothing is known of it.
  const FunctionSource *find(FunctionId body) const override OSR_REQUIRES(engine_lock);
  llvm::ArrayRef<SourceType> types() const override { return types_; } ///< they stay
  /// The whole path of the file that defines a function or variable, by its name in the program; "": not known.
  std::string file_of(const std::string &symbol) const;
  llvm::Expected<llvm::MemoryBufferRef> ir_of(const std::string &function) override;
  llvm::ArrayRef<SourceGlobal> globals() const { return globals_; } ///< likewise

private:
  llvm::Error read() OSR_REQUIRES(mutex_);
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> read_ir_of(const std::string &function);
  llvm::Expected<std::unique_ptr<Compiler>> compile_all(std::unique_ptr<llvm::Module> module,
                                                        llvm::TargetMachine &machine);

  Engine &engine_;
  Mutex mutex_;
  std::atomic<bool> is_begun_ = false;
  bool is_read_ OSR_GUARDED_BY(mutex_) = false;
  std::string failure_ OSR_GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<llvm::MemoryBuffer>> irs_ OSR_GUARDED_BY(mutex_); ///< they stay
  // Filled under the mutex; who has come back from prepare() reads them without it.
  std::vector<SourceType> types_;
  std::vector<FunctionSource> functions_; ///< by number
  std::vector<SourceGlobal> globals_;
  std::map<std::string, std::string> files_; ///< by symbol
};

/// Lines of sites from what code is made with: always there if the program has any. For one question.
class SiteLines {
public:
  explicit SiteLines(Engine &engine) : engine_(engine) {}
  /// Nothing: not known.
  std::optional<SourceLine> find(SiteId site) OSR_REQUIRES(engine_lock);

private:
  Engine &engine_;
  std::map<FunctionId, std::vector<SourceLine>> known_; ///< by site
};

} // namespace osr
