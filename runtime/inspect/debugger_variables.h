// Debuggers see variables: what the source says of sites and what records say of frames, as DWARF, for code that is there and
// code that comes.
#pragma once

#include "runtime/code/debugger.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/site_describer.h"
#include "runtime/inspect/source_tables.h"

#include <llvm/Support/Error.h>

#include <cstdint>
#include <map>
#include <vector>

namespace osr {

/// Thread-safe, like `sources`. Outlives the engine's use of code.
class DebuggerVariables final : public SiteDescriber {
public:
  DebuggerVariables(Engine &engine, SourceTables &sources, Redefiner &redefiner)
      : engine_(engine), sources_(sources), redefiner_(redefiner) {}

  /// From now on debuggers are told: costs some kilobytes for each version, and some microseconds when one is made. The first time
  /// the program is read again (SourceTables::prepare), and all code that is there is told. Without the engine's lock. Returns for how
  /// many versions there is something to tell.
  llvm::Expected<std::size_t> provide();

  std::optional<DebugSites> describe(const CodeObject &code) override OSR_REQUIRES(engine_lock);
  std::optional<DebugSites> describe(const CodeObject &code, std::uint64_t return_pc, std::uint64_t seen) override
      OSR_REQUIRES(engine_lock);

private:
  /// What one question needs to know, each body's once.
  struct Known {
    struct Body {
      const FunctionSource *source = nullptr; ///< null: nothing is known
      std::uint32_t table = 0; ///< of its types
    };
    std::map<FunctionId, Body> bodies;
    std::vector<llvm::ArrayRef<SourceType>> types; ///< by table
  };

  void tell_globals() OSR_REQUIRES(engine_lock);
  Known::Body find(FunctionId body, Known &known) OSR_REQUIRES(engine_lock);
  DebugSite describe(const SiteRecord &record, std::uint64_t return_pc, Known &known) OSR_REQUIRES(engine_lock);
  void add_frames(const FrameRecord &inlined, Known &known, DebugSite &to) OSR_REQUIRES(engine_lock);
  void add_variables(const FrameRecord &inlined, const Known::Body &body, llvm::ArrayRef<SourceType> types,
                     llvm::MutableArrayRef<DebugFrame> to) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  SourceTables &sources_;
  Redefiner &redefiner_;
  std::vector<DebuggerRegistration> globals_ OSR_GUARDED_BY(engine_lock); ///< by file, once they were told
};

} // namespace osr
