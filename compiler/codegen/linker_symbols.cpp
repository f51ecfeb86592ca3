#include "compiler/codegen/linker_symbols.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/GlobalVariable.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

enum class Edge : std::uint8_t { Begin, End };

struct Marker {
  StringRef section; ///< "": where variables lie that are zero at the beginning
  Edge edge;
};

using Sections = StringMap<std::vector<GlobalVariable *>>; ///< by name, as the program has them

struct KnownEdge {
  const char *name;
  Marker marker;
};
constexpr KnownEdge known_edges[] = {
    {"__data_start", {".data", Edge::Begin}},
    {"data_start", {".data", Edge::Begin}},
    {"edata", {"", Edge::Begin}},
    {"_edata", {"", Edge::Begin}},
    {"__bss_start", {"", Edge::Begin}},
    {"end", {"", Edge::End}},
    {"_end", {"", Edge::End}},
};

/// Only names that are identifiers of C have such symbols.
bool is_identifier(StringRef name) {
  return !name.empty() && !isDigit(name.front()) && all_of(name, [](char c) { return isAlnum(c) || c == '_'; });
}

std::optional<Marker> marker_of(StringRef name, const Sections &sections) {
  for (const KnownEdge &known : known_edges)
    if (name == known.name)
      return known.marker;
  const bool begins = name.consume_front("__start_");
  if ((begins || name.consume_front("__stop_")) && is_identifier(name) && sections.contains(name))
    return Marker{name, begins ? Edge::Begin : Edge::End};
  return std::nullopt;
}

/// A linker makes one section of all that have the name: what one variable needs, to be written, all get.
void unify(ArrayRef<GlobalVariable *> variables) {
  const bool is_read_only = all_of(variables, [](const GlobalVariable *variable) {
    return variable->isConstant() && !variable->getInitializer()->needsDynamicRelocation();
  });
  for (GlobalVariable *variable : variables)
    variable->setConstant(is_read_only);
}

void define(Module &globals, GlobalValue &declared, Marker marker, const Sections &sections) {
  auto *type = ArrayType::get(Type::getInt8Ty(globals.getContext()), 0);
  const auto others = sections.find(marker.section);
  const bool is_constant = others != sections.end() && others->second.front()->isConstant();
  auto *symbol =
      new GlobalVariable(globals, type, is_constant, GlobalValue::ExternalLinkage, ConstantAggregateZero::get(type), "",
                         marker.edge == Edge::Begin ? &*globals.global_begin() : nullptr);
  symbol->setAlignment(Align(1));
  symbol->setSection(marker.section);
  declared.replaceAllUsesWith(symbol);
  symbol->takeName(&declared);
  declared.eraseFromParent();
}

} // namespace

void define_linker_symbols(Module &globals, const Module &program) {
  Sections sections;
  for (GlobalVariable &variable : globals.globals())
    if (!variable.isDeclaration() && variable.hasSection() && !variable.isThreadLocal())
      sections[variable.getSection()].push_back(&variable);
  for (auto &section : sections)
    unify(section.second);
  std::vector<std::pair<GlobalValue *, Marker>> wanted;
  for (GlobalValue &value : globals.global_values())
    if (const GlobalValue *own = program.getNamedValue(value.getName());
        value.isDeclaration() && !value.isThreadLocal() && (!own || own->isDeclaration()))
      if (const auto marker = marker_of(value.getName(), sections))
        wanted.emplace_back(&value, *marker);
  for (const auto &[value, marker] : wanted)
    define(globals, *value, marker, sections);
}

} // namespace osr
