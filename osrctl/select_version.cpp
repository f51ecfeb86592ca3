#include "osrctl/select_version.h"

#include "compiler/base/error.h"
#include "osrctl/choices.h"

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr Choice<Tier> stages[] = {
    {"canonical", Tier::Baseline}, {"baseline", Tier::Baseline}, {"optimized", Tier::Optimized}};

/// " (did you mean 'x'?)" when some name is near enough to be a slip of the fingers.
std::string suggestion(const CanonicalProgram &program, StringRef name) {
  unsigned best_distance = std::max<unsigned>(2, unsigned(name.size()) / 3) + 1;
  const FunctionInfo *best = nullptr;
  for (const FunctionInfo &function : program.functions) {
    unsigned distance = name.edit_distance(function.name, /*AllowReplacements=*/true, best_distance);
    if (distance < best_distance) {
      best_distance = distance;
      best = &function;
    }
  }
  return best ? fmt::format(" (did you mean '{}'?)", best->name) : std::string();
}

} // namespace

Expected<const FunctionInfo *> find_function(const CanonicalProgram &program, StringRef name) {
  if (const FunctionInfo *found = program.find_function(name))
    return found;
  const Function *declared = program.module->getFunction(name);
  return make_error("the program defines no function '{}'{}; 'osrctl sites' lists all {}", name.str(),
                    declared ? " (it only calls it)" : suggestion(program, name), program.functions.size());
}

void add_version_options(CLI::App &command, VersionOptions &options, CanonicalTier canonical) {
  std::vector<std::string> tiers{"baseline", "optimized"};
  if (canonical == CanonicalTier::Yes)
    tiers.insert(tiers.begin(), "canonical");
  command.add_option("--function", options.function, "The function to show")->required();
  command.add_option("--tier", options.tier, "The stage to show")->check(CLI::IsMember(tiers))->capture_default_str();
  command.add_option("--continuation", options.continuation, "Show the continuation behind this site instead");
}

Error check_version_options(const VersionOptions &options) {
  if (options.continuation && options.tier != "optimized")
    return make_error("continuations exist at the optimised tier only: leave --tier {} out", options.tier);
  return Error::success();
}

Expected<VersionKey> select_version(const CanonicalProgram &program, const VersionOptions &options) {
  auto function = find_function(program, options.function);
  if (!function)
    return function.takeError();
  if (options.continuation)
    if (auto site = find_site(**function, *options.continuation); !site)
      return site.takeError();
  return VersionKey{(*function)->id, meaning_of(options.tier, stages), options.continuation};
}

} // namespace osr
