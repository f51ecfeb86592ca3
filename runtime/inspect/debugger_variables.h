// Debuggers see variables: what the source says of sites and what records say of frames, as DWARF, for code that is there and
// code that comes.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/engine/site_describer.h"
#include "runtime/inspect/source_tables.h"

#include <llvm/Support/Error.h>

#include <map>

namespace osr {

/// Thread-safe, like `sources`. Outlives the engine's use of code.
class DebuggerVariables final : public SiteDescriber {
public:
  DebuggerVariables(Engine &engine, SourceTables &sources) : engine_(engine), sources_(sources) {}

  /// From now on debuggers are told: costs some kilobytes for each version, and some microseconds when one is made. The first time
  /// the program is read again (SourceTables::prepare), and all code that is there is told. Without the engine's lock. Returns for how
  /// many versions there is something to tell.
  llvm::Expected<std::size_t> provide();

  std::optional<DebugSites> describe(const CodeObject &code) override OSR_REQUIRES(engine_lock);
  std::optional<DebugSites> describe(const CodeObject &code, std::uint64_t return_pc, std::uint64_t seen) override
      OSR_REQUIRES(engine_lock);

private:
  /// Each function's is found once a question.
  using Known = std::map<FunctionId, const FunctionSource *>;

  const FunctionSource *source_of(FunctionId body, Known &known) OSR_REQUIRES(engine_lock);
  DebugSite describe(const SiteRecord &record, std::uint64_t return_pc, Known &known) OSR_REQUIRES(engine_lock);
  void add_frames(const FrameRecord &inlined, const FunctionSource *source, DebugSite &to) OSR_REQUIRES(engine_lock);
  void add_variables(const FrameRecord &inlined, const FunctionSource &source, llvm::MutableArrayRef<DebugFrame> to)
      OSR_REQUIRES(engine_lock);

  Engine &engine_;
  SourceTables &sources_;
};

} // namespace osr
