#include "compiler/base/choice.h"
#include "compiler/base/error_code.h"
#include "osr/options.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

/// What the words have said so far; what one means may depend on others that come later.
struct Words {
  RuntimeOptions options;
  StringRef tier, policy;
  std::optional<std::uint32_t> threshold;
};

constexpr Choice<CallKind> ways_to_call[] = {{"slot", CallKind::Slot}, {"direct", CallKind::Direct}};
constexpr Choice<Mechanism> ways_to_redirect[] = {{"return-pc", Mechanism::ReturnPc},
                                                  {"return-point", Mechanism::ReturnPoint}};

template <typename Meaning, std::size_t count>
Error choose(Meaning &meaning, const Choice<Meaning> (&choices)[count], StringRef value) {
  const Meaning *found = find_meaning(value, choices);
  if (!found)
    return make_error("'{}' is not known", value.str());
  meaning = *found;
  return Error::success();
}

Expected<std::uint32_t> number_from(StringRef value, std::uint32_t least, std::uint32_t most) {
  std::uint32_t number = 0;
  if (value.getAsInteger(10, number) || number < least || number > most)
    return make_error("'{}' is no number from {} to {}", value.str(), least, most);
  return number;
}

template <typename Number> Error set_number(Number &number, StringRef value, std::uint32_t least, std::uint32_t most) {
  auto read = number_from(value, least, most);
  if (!read)
    return read.takeError();
  number = *read;
  return Error::success();
}

Error set_stress(StressMode &stress, StringRef value) {
  auto mode = StressMode::parse(value);
  if (!mode)
    return mode.takeError();
  stress = *mode;
  return Error::success();
}

template <typename Text> Error set_text(Text &text, StringRef value) {
  text = value;
  return Error::success();
}

using SetFlag = void (*)(RuntimeOptions &options);
constexpr Choice<SetFlag> flags[] = {
    {"--no-assumptions", [](RuntimeOptions &options) { options.assume_guards = false; }},
    {"--deterministic", [](RuntimeOptions &options) { options.deterministic = true; }},
    {"--debug-info", [](RuntimeOptions &options) { options.debug_info = true; }},
    {"--verify", [](RuntimeOptions &options) { options.verify_each_pass = true; }}};

constexpr std::uint32_t largest = 1U << 30;
using SetValue = Error (*)(Words &words, StringRef value);
constexpr Choice<SetValue> values[] = {
    {"--tier", [](Words &words, StringRef value) { return set_text(words.tier, value); }},
    {"--tier-policy", [](Words &words, StringRef value) { return set_text(words.policy, value); }},
    {"--tier-threshold", [](Words &words, StringRef value) { return set_number(words.threshold, value, 1, largest); }},
    {"--compile-threads",
     [](Words &words, StringRef value) { return set_number(words.options.tier_up.compile_threads, value, 0, 16); }},
    {"--stress", [](Words &words, StringRef value) { return set_stress(words.options.stress, value); }},
    {"--speculate-after",
     [](Words &words, StringRef value) { return set_number(words.options.speculate_after, value, 1, largest); }},
    {"--calls", [](Words &words, StringRef value) { return choose(words.options.calls, ways_to_call, value); }},
    {"--rewrite",
     [](Words &words, StringRef value) { return choose(words.options.mechanism, ways_to_redirect, value); }},
    {"--target-cpu", [](Words &words, StringRef value) { return set_text(words.options.target_cpu, value.str()); }},
    {"--target-features",
     [](Words &words, StringRef value) { return set_text(words.options.target_features, value.str()); }}};

using MakePolicy = std::shared_ptr<const TierPolicy> (*)(std::optional<std::uint32_t> threshold);
constexpr Choice<MakePolicy> policies[] = {
    {"budget",
     [](std::optional<std::uint32_t> threshold) -> std::shared_ptr<const TierPolicy> {
       return std::make_shared<BudgetPolicy>(std::int32_t(threshold.value_or(BudgetPolicy::usual_budget)));
     }},
    {"counters",
     [](std::optional<std::uint32_t> threshold) -> std::shared_ptr<const TierPolicy> {
       return std::make_shared<CountingPolicy>(std::int32_t(threshold.value_or(CountingPolicy::usual_threshold)));
     }},
    {"sampling", [](std::optional<std::uint32_t> threshold) -> std::shared_ptr<const TierPolicy> {
       return std::make_shared<SamplingPolicy>(SamplingPolicy::usual_period,
                                               threshold.value_or(SamplingPolicy::usual_threshold));
     }}};

Error choose_policy(Words &words) {
  MakePolicy make = nullptr;
  if (Error error = choose(make, policies, words.policy.empty() ? "budget" : words.policy))
    return make_error("--tier-policy: {}", toString(std::move(error)));
  words.options.tier_up.policy = make(words.threshold);
  return Error::success();
}

/// The tier and the policy, which only together mean something.
Error choose_tier(Words &words) {
  const bool names_policy = !words.policy.empty() || words.threshold;
  if (words.tier == "auto" || (words.tier.empty() && names_policy))
    return choose_policy(words);
  if (words.tier.empty())
    return Error::success();
  if (words.tier != "baseline" && words.tier != "optimized")
    return make_error("--tier: '{}' is not known", words.tier.str());
  if (names_policy)
    return make_error("--tier {} has no policy", words.tier.str());
  words.options.tier = words.tier == "baseline" ? Tier::Baseline : Tier::Optimized;
  words.options.tier_up.policy = nullptr;
  return Error::success();
}

/// The words of `text`, in what they change.
Expected<RuntimeOptions> changed(const RuntimeOptions &options, StringRef text) {
  Words words{.options = options, .tier = {}, .policy = {}, .threshold = {}};
  SmallVector<StringRef> all;
  SplitString(text, all);
  for (std::size_t i = 0; i != all.size(); ++i) {
    if (const SetFlag *set = find_meaning(all[i], flags)) {
      (*set)(words.options);
      continue;
    }
    const SetValue *set = find_meaning(all[i], values);
    if (!set)
      return make_error("'{}' is no option", all[i].str());
    if (++i == all.size())
      return make_error("{} lacks its value", all.back().str());
    if (Error error = (*set)(words, all[i]))
      return make_error("{}: {}", all[i - 1].str(), toString(std::move(error)));
  }
  if (Error error = choose_tier(words))
    return error;
  return std::move(words.options);
}

} // namespace

Error change_options(RuntimeOptions &options, StringRef text) {
  auto result = changed(options, text);
  if (!result)
    return make_error(ErrorCode::Invalid, "{}", toString(result.takeError()));
  options = std::move(*result);
  return Error::success();
}

} // namespace osr
