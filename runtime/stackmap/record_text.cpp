// Stable text of site records.
#include "compiler/base/check.h"
#include "runtime/stackmap/site_table.h"

namespace osr {

namespace {

const char *name_of(RecipeStep::Kind kind) {
  switch (kind) {
  case RecipeStep::Kind::Add: return "add";
  case RecipeStep::Kind::Multiply: return "multiply";
  case RecipeStep::Kind::ShiftLeft: return "shift-left";
  case RecipeStep::Kind::And: return "and";
  case RecipeStep::Kind::ZeroExtend: return "zero-extend";
  case RecipeStep::Kind::SignExtend: return "sign-extend";
  }
  OSR_CHECK(false, "recipe step {}", unsigned(kind));
}

std::string source_text(const ValueSource &source) {
  switch (source.kind) {
  case ValueSource::Kind::Register: return osr::name_of(source.reg);
  case ValueSource::Kind::Frame: return fmt::format("[cfa{:+}]", source.cfa_offset);
  case ValueSource::Kind::Constant: return fmt::format("{:#x}", source.constant);
  case ValueSource::Kind::FrameAddress: return fmt::format("cfa{:+}", source.cfa_offset);
  }
  OSR_CHECK(false, "value source {}", unsigned(source.kind));
}

} // namespace

std::string to_string(const SiteRecord &record) {
  std::string text = fmt::format("return PC +{:#x}{}\n", record.return_pc_offset, record.certified ? " certified" : "");
  for (const FrameRecord &frame : record.frames) {
    text += fmt::format("  site {}.{}\n", frame.site.function, frame.site.index);
    for (std::size_t i = 0; i != frame.values.size(); ++i) {
      text += fmt::format("    {}: {} size {}", i, source_text(frame.values[i].source), frame.values[i].size);
      for (const RecipeStep &step : frame.values[i].source.recipe)
        text += fmt::format(" {} {}", name_of(step.kind), step.operand);
      text += '\n';
    }
  }
  return text;
}

} // namespace osr
