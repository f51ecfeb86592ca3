// What a client is told of a frame.
#pragma once

#include "runtime/control/stacks.h"
#include "runtime/inspect/source_tables.h"

#include <nlohmann/json_fwd.hpp>

#include <map>

namespace osr {

/// For one question. With the engine's lock held.
class FrameTexts {
public:
  /// `sources`, which is prepared: with variables. Null: without.
  explicit FrameTexts(Engine &engine, const SourceTables *sources = nullptr)
      : engine_(engine), sources_(sources), lines_(engine) {}

  /// The activations of a frame, the innermost inlined one first. With its copy if variables are wanted.
  nlohmann::json describe(const SeenFrame &frame, const ThreadSnapshot *thread = nullptr,
                          const FrameSnapshot *values = nullptr);

private:
  nlohmann::json describe_site(const FrameRecord &inlined);
  void describe_values(const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &values,
                       nlohmann::json &activation);
  void describe_waiting(const SeenFrame &frame, nlohmann::json &activation);
  const FunctionSource *source_of(FunctionId body);

  Engine &engine_;
  const SourceTables *sources_;
  SiteLines lines_;
  std::map<FunctionId, const FunctionSource *> known_;
};

} // namespace osr
