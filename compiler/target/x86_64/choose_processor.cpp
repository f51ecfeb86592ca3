#include "compiler/base/error_code.h"
#include "compiler/target/platform.h"
#include "compiler/target/target.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/TargetParser/Host.h>

using namespace llvm;

namespace osr {
namespace {

/// Registers and calls that neither records nor stubs know.
constexpr StringLiteral not_for_us[] = {"egpr", "push2pop2", "ppx", "ndd", "ccmp", "nf", "zu", "cf"};
constexpr StringLiteral long_mode = "64bit";

StringSet<> features_of(const MCSubtargetInfo &processor) {
  StringSet<> names;
  for (const SubtargetFeatureKV &feature : processor.getEnabledProcessorFeatures())
    names.insert(feature.Key);
  return names;
}

/// Of this processor, in the form of LLVM's options.
std::string own_features(const StringMap<bool> &here) {
  std::string features;
  for (const auto &feature : here) {
    const StringRef name = feature.getKey();
    features += (feature.getValue() && !is_contained(not_for_us, name) ? "+" : "-") + name.str() + ",";
  }
  return features;
}

Error check_words(StringRef features, const StringMap<bool> &known) {
  SmallVector<StringRef> words;
  features.split(words, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef word : words)
    if (word.front() != '+' && word.front() != '-')
      return make_error("'{}' begins with neither + nor -", word.str());
    else if (!known.contains(word.drop_front()))
      return make_error("'{}' is no feature of a processor", word.drop_front().str());
  return Error::success();
}

/// Code with these features runs here, and calls what the process has.
Error check_features(const StringSet<> &wanted, const StringSet<> &least, const StringMap<bool> &here) {
  for (const auto &feature : least)
    if (const StringRef name = feature.getKey(); !wanted.contains(name) && (name == long_mode || here.contains(name)))
      return make_error("code for {} cannot do without '{}'", machine_name(), name.str());
  for (const auto &feature : wanted) {
    const StringRef name = feature.getKey();
    if (is_contained(not_for_us, name))
      return make_error("the runtime does not know the registers of '{}'", name.str());
    const auto found = here.find(name);
    if (found != here.end() && !found->second)
      return make_error("this processor lacks '{}'", name.str());
  }
  return Error::success();
}

} // namespace

Expected<ProcessorChoice> choose_processor(StringRef name, StringRef features) {
  auto refused = [&](Error error) {
    return make_error(ErrorCode::Invalid, "target_cpu '{}', target_features '{}': {}", name.str(), features.str(),
                      toString(std::move(error)));
  };
  auto generic = create_target_machine(CodegenLevel::Fast);
  if (!generic)
    return generic.takeError();
  const MCSubtargetInfo &least = *(*generic)->getMCSubtargetInfo();
  const StringMap<bool> here = sys::getHostCPUFeatures();
  if (Error error = check_words(features, here))
    return refused(std::move(error));
  ProcessorChoice choice{name.str(), features.str()};
  if (name == "native")
    choice = {sys::getHostCPUName().str(), own_features(here) + features.str()};
  if (!choice.name.empty() && !least.isCPUStringValid(choice.name))
    return refused(make_error("there is no such processor among those that LLVM knows for {}", machine_name()));
  auto machine = create_target_machine(CodegenLevel::Fast, choice);
  if (!machine)
    return machine.takeError();
  if (Error error = check_features(features_of(*(*machine)->getMCSubtargetInfo()), features_of(least), here))
    return refused(std::move(error));
  return choice;
}

} // namespace osr
