// What a failed attempt to anchor a function's records teaches the next one.
#pragma once

#include "compiler/codegen/codegen_report.h"
#include "compiler/tiers/lower_sites.h"

namespace osr {

/// Forces, for the next attempt, the cheapest forms that get past what the report says. Forms only ever degrade. False
/// when all records are anchored and nothing has to change.
bool adjust_forms(const LoweredSites &attempt, const CodegenReport &report, ForcedForms &forms);

/// Gives all values of all records slots, except where an even dearer form is forced already.
void spill_all(const LoweredSites &attempt, ForcedForms &forms);

} // namespace osr
