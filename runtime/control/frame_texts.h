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
  /// `redefiner`, whose tables are prepared: with variables. Null: without.
  explicit FrameTexts(Engine &engine, Redefiner *redefiner = nullptr)
      : engine_(engine), redefiner_(redefiner), lines_(engine) {}

  /// The activations of a frame, the innermost inlined one first. With its copy if variables are wanted.
  nlohmann::json describe(const SeenFrame &frame, const ThreadSnapshot *thread = nullptr,
                          const FrameSnapshot *values = nullptr) OSR_REQUIRES(engine_lock);
  /// The function, and where its activation is: in the call of that site, if it is in one.
  nlohmann::json describe_place(SiteId site, bool is_in_call) OSR_REQUIRES(engine_lock);

private:
  void describe_values(const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &values,
                       nlohmann::json &activation) OSR_REQUIRES(engine_lock);
  void describe_waiting(const SeenFrame &frame, nlohmann::json &activation) OSR_REQUIRES(engine_lock);
  KnownBody source_of(FunctionId body) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  Redefiner *redefiner_;
  SiteLines lines_;
  std::map<FunctionId, KnownBody> known_;
};

} // namespace osr
