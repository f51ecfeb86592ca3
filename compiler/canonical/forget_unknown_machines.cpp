#include "compiler/canonical/forget_unknown_machines.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/MC/MCSubtargetInfo.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *features_attribute = "target-features";

void keep_known_features(Function &function, const StringSet<> &known) {
  const Attribute attribute = function.getFnAttribute(features_attribute);
  if (!attribute.isValid())
    return;
  SmallVector<StringRef, 32> features;
  attribute.getValueAsString().split(features, ',', -1, /*KeepEmpty=*/false);
  const std::size_t before = features.size();
  erase_if(features, [&](StringRef feature) { return !known.contains(feature.drop_front()); });
  if (features.size() != before)
    function.addFnAttr(features_attribute, join(features, ","));
}

} // namespace

void forget_unknown_machines(Module &module, const TargetMachine &machine) {
  const MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  StringSet<> known;
  for (const SubtargetFeatureKV &feature : subtarget.getAllProcessorFeatures())
    known.insert(feature.Key);
  for (Function &function : module) {
    for (const char *name : {"target-cpu", "tune-cpu"})
      if (const Attribute processor = function.getFnAttribute(name);
          processor.isValid() && !subtarget.isCPUStringValid(processor.getValueAsString()))
        function.removeFnAttr(name);
    keep_known_features(function, known);
  }
}

} // namespace osr
