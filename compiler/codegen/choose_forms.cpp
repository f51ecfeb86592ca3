#include "compiler/codegen/choose_forms.h"

namespace osr {
namespace {

/// Gives the values that stood in the way slots of their own. They get them in all records: a value that is reloaded or
/// computed again behind one call is so behind the next one too, once the first record stops using it.
bool give_slots(const LoweredSites &attempt, const CodegenReport &report, std::uint32_t number,
                std::set<OperandId> &in_slots, std::set<OperandId> &added) {
  bool changed = false;
  const std::set<OperandId> &failed = report.failed_operands;
  for (auto it = failed.lower_bound({number, 0}); it != failed.end() && it->first == number; ++it) {
    if (in_slots.contains(*it) || it->second >= attempt.operands[number].size())
      continue;
    changed = true;
    if (!added.contains(*it))
      for (OperandId like : attempt.operands_like(*it))
        added.insert(like);
  }
  return changed;
}

} // namespace

bool adjust_forms(const LoweredSites &attempt, const CodegenReport &report, ForcedForms &forms) {
  bool changed = false;
  auto degrade = [&](std::uint32_t number) {
    SiteForm now = attempt.forms[number];
    SiteForm next = now == SiteForm::TailCall   ? SiteForm::StackMap
                    : now == SiteForm::StackMap ? SiteForm::Spilled
                                                : SiteForm::Refused;
    if (next != now) {
      forms.sites[number] = next;
      changed = true;
    }
  };
  std::set<OperandId> added;
  for (const auto &[number, reason] : report.not_anchored)
    if (attempt.forms[number] == SiteForm::StackMap && give_slots(attempt, report, number, forms.in_slots, added))
      changed = true;
    else
      degrade(number);
  forms.in_slots.merge(added);
  for (std::uint32_t number : report.unrecorded)
    if (!report.not_anchored.contains(number))
      degrade(number);
  return changed;
}

void spill_all(const LoweredSites &attempt, ForcedForms &forms) {
  for (std::uint32_t number = 0; number < attempt.forms.size(); ++number)
    if (attempt.forms[number] == SiteForm::StackMap)
      forms.sites[number] = SiteForm::Spilled;
}

} // namespace osr
