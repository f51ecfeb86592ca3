// What a client is told of a frame.
#pragma once

#include "runtime/control/stacks.h"
#include "runtime/inspect/source_tables.h"

#include <nlohmann/json_fwd.hpp>

#include <map>

namespace osr {

/// For one question, and as long as the engine's lock is held.
class FrameTexts {
public:
  /// `sources`, which is prepared: with variables. Null: without.
  explicit FrameTexts(Engine &engine, const SourceTables *sources = nullptr)
      : engine_(engine), sources_(sources), lines_(engine) {}

  /// The activations of a frame, the innermost inlined one first. With its copy if variables are wanted.
  nlohmann::json describe(const SeenFrame &frame, const ThreadSnapshot *thread = nullptr,
                          const FrameSnapshot *values = nullptr) OSR_REQUIRES(engine_lock);
  /// The function, and where its activation is: in the call of that site, if it is in one.
  nlohmann::json describe_place(SiteId site, bool is_in_call) OSR_REQUIRES(engine_lock);

private:
  void describe_values(const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &values,
                       nlohmann::json &activation) OSR_REQUIRES(engine_lock);
  void describe_waiting(const SeenFrame &frame, nlohmann::json &activation) OSR_REQUIRES(engine_lock);
  const FunctionSource *source_of(FunctionId body) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  const SourceTables *sources_;
  SiteLines lines_;
  std::map<FunctionId, const FunctionSource *> known_;
};

} // namespace osr
