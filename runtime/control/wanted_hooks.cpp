#include "runtime/control/wanted_hooks.h"

#include "compiler/base/error.h"

#include <algorithm>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t usual_hook_seconds = 10, most_hook_seconds = 1'000'000;

json describe(const Hook &hook, std::optional<int> value) {
  json described{{"function", hook.name}};
  if (value)
    described["value"] = *value;
  return described;
}

} // namespace

WantedHooks::~WantedHooks() {
  if (added_ && !has_run_)
    parts_.redefiner.remove(std::move(*added_));
}

Error WantedHooks::find() {
  if (const std::string ir = text_of(call_.request, "hooks"); !ir.empty()) {
    auto read = buffer_from(ir);
    auto added = read ? parts_.hooks->add(**read) : Expected<Engine::Added>(read.takeError());
    if (!added)
      return added.takeError();
    added_ = std::move(*added);
  }
  auto before = find("before");
  if (!before)
    return before.takeError();
  before_ = std::move(*before);
  auto after = find("after");
  if (!after)
    return after.takeError();
  after_ = std::move(*after);
  return Error::success();
}

Expected<std::optional<Hook>> WantedHooks::find(const char *parameter) {
  const std::string name = text_of(call_.request, parameter);
  if (name.empty())
    return std::nullopt;
  auto hook = parts_.hooks->find(name, added_);
  if (!hook)
    return make_error("'{}': {}", parameter, toString(hook.takeError()));
  return std::optional(std::move(*hook));
}

Expected<std::optional<int>> WantedHooks::run(const Hook &hook) {
  has_run_ = true;
  const std::uint64_t seconds = number_of(call_.request, "hook_timeout").value_or(usual_hook_seconds);
  return parts_.hooks->call(
      hook, {std::chrono::seconds(std::min(seconds, most_hook_seconds)), &call_.is_cancelled, ProgressTeller(call_)});
}

std::function<Error()> WantedHooks::before() {
  if (!before_)
    return {};
  return [this]() -> Error {
    auto value = run(*before_);
    if (!value)
      return value.takeError();
    said_ = *value;
    if (said_.value_or(0) != 0)
      return make_error("the hook '{}' says no: it returned {}", before_->name, *said_);
    said_yes_ = true;
    return Error::success();
  };
}

Expected<json> WantedHooks::conclude(Expected<json> outcome) {
  if (!outcome)
    return said_yes_ ? make_error("{}; the hook '{}' had said yes", toString(outcome.takeError()), before_->name)
                     : outcome.takeError();
  if (before_)
    (*outcome)["before"] = describe(*before_, said_);
  if (after_) {
    auto value = run(*after_);
    (*outcome)["after"] = describe(*after_, value ? *value : std::nullopt);
    if (!value)
      (*outcome)["after"]["problem"] = toString(value.takeError());
  }
  return outcome;
}

} // namespace osr
