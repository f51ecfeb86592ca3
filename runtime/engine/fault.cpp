#include "runtime/engine/fault.h"

#include "compiler/base/choice.h"
#include "compiler/base/error.h"

#include <utility>

using namespace llvm;

namespace osr {
namespace {

void misplace(ValueSource &source) {
  switch (source.kind) {
  case ValueSource::Kind::Constant: source.constant ^= 1; return;
  case ValueSource::Kind::Register:
    source.reg = SavedRegister((unsigned(source.reg) + 1) % saved_register_count);
    return;
  case ValueSource::Kind::Frame:
  case ValueSource::Kind::FrameAddress: source.cfa_offset -= 8; return;
  }
}

} // namespace

Expected<Fault> Fault::parse(StringRef text) {
  auto [word, digits] = text.split(':');
  constexpr Choice<Kind> kinds[] = {
      {"record", Kind::Record}, {"slot", Kind::Slot}, {"callee-saved", Kind::CalleeSaved}};
  Fault fault;
  const Kind *kind = find_meaning(word, kinds);
  if (!kind || digits.getAsInteger(10, fault.number) || fault.number == 0)
    return make_error("fault '{}' must read record:N, slot:N or callee-saved:N with N from 1", text.str());
  fault.kind = *kind;
  return fault;
}

bool FaultSeeder::strikes(Fault::Kind kind) {
  if (fault_.kind != kind || ++seen_ != fault_.number)
    return false;
  return seeded_ = true;
}

void FaultSeeder::on_old_frame(SiteRecord &record, UnwindRow &row) {
  for (FrameRecord &frame : record.frames)
    for (RecordedValue &value : frame.values)
      if (strikes(Fault::Kind::Record))
        misplace(value.source);
  for (std::int32_t &offset : row.saved)
    if (offset && strikes(Fault::Kind::CalleeSaved))
      offset -= 8;
}

void FaultSeeder::on_landing(SiteRecord &record) {
  std::vector<RecordedValue> &values = record.frames.front().values;
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i].size == values[i - 1].size && strikes(Fault::Kind::Slot))
      std::swap(values[i].source, values[i - 1].source);
}

} // namespace osr
