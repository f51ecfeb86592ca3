#include "runtime/stack/walkable_code.h"

#include "runtime/code/range_map.h"
#include "runtime/code/removals.h"

namespace osr {
namespace {

constinit RangeMap<const WalkableCode> walkable;

} // namespace

void WalkableCode::show() { walkable.add(addresses_, *this); }

/// Who remembers rules for an address forgets them.
void WalkableCode::hide() {
  walkable.remove(*this);
  Removals::add();
}

WalkableCode::Rules WalkableCode::find_rules(std::uintptr_t pc, PcKind kind) {
  const WalkableCode *code = walkable.find(pc - (kind == PcKind::ReturnPc));
  return code ? code->rules_at(pc, kind) : Rules{{}, pc};
}

bool WalkableCode::is_of_any(std::uintptr_t pc) { return walkable.find(pc) != nullptr; }

/// The other runtime may free code meanwhile, but not what is looked at here.
WalkableCode::Rules WalkableRuntime::rules_at(std::uintptr_t pc, PcKind kind) const {
  const std::uintptr_t back = kind == PcKind::ReturnPc; // from a return PC into its call
  return registry_.with_found(pc - back, [&](const CodeObject *object) {
    Rules rules{{}, pc};
    if (!object && kind == PcKind::ReturnPc)
      if (const auto stub = stubs_.stub_site(pc)) { // the frame is what it was until control comes back to it
        rules.pc = stub->original_pc;
        object = stub->code ? stub->code : registry_.find(rules.pc - back);
      }
    const UnwindRow *row = object ? object->rows.find(rules.pc - back - object->code_begin) : nullptr;
    if (row && row->usable)
      rules.step = {StepRules::Kind::Row, *row};
    else if (!object && entries_.contains(pc - back))
      rules.step = {StepRules::Kind::Row, UnwindRow::leaf()};
    else if (!object && kind == PcKind::Exact)
      if (const auto interrupted = stubs_.stub_around(pc))
        rules = {rules_by_fde(interrupted->stub->eh_frame, interrupted->stub->fde, pc), interrupted->site.original_pc};
    return rules;
  });
}

WalkableCode::Rules WalkableRows::rules_at(std::uintptr_t pc, PcKind kind) const {
  Rules rules{{}, pc};
  if (const UnwindRow *row = rows_.find(pc - (kind == PcKind::ReturnPc) - begin_); row && row->usable)
    rules.step = {StepRules::Kind::Row, *row};
  return rules;
}

} // namespace osr
