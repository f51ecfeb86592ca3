// What debuggers are told of sites, read back with LLVM's own reader of DWARF.
#include "runtime/code/debug_unit.h"

#include "runtime/code/debug_lines.h"
#include "test/support/catch_header.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/DebugInfo/DWARF/DWARFCompileUnit.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/Endian.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t begin = 0x10000;
enum TypeNumber : SourceTypeId { Int, Long, Node, PointerToNode, Numbers, TypeCount };

SourceType basic(const char *name, std::uint64_t bits) {
  SourceType type;
  type.kind = SourceType::Kind::Signed;
  type.tag = dwarf::DW_TAG_base_type;
  type.encoding = dwarf::DW_ATE_signed;
  type.name = type.declared_name = name;
  type.bits = bits;
  return type;
}

/// struct node { struct node *next; int low : 3; }
std::vector<SourceType> some_types() {
  std::vector<SourceType> types(TypeCount);
  types[Int] = basic("int", 32);
  types[Long] = basic("long", 64);
  SourceType &node = types[Node];
  node.kind = SourceType::Kind::Structure;
  node.tag = dwarf::DW_TAG_structure_type;
  node.declared_name = "node";
  node.bits = 128;
  node.members = {{"next", PointerToNode, 0, 0}, {"low", Int, 64, 3}};
  SourceType &pointer = types[PointerToNode];
  pointer.kind = SourceType::Kind::Pointer;
  pointer.tag = dwarf::DW_TAG_pointer_type;
  pointer.bits = 64;
  pointer.target = Node;
  SourceType &numbers = types[Numbers];
  numbers.kind = SourceType::Kind::Array;
  numbers.tag = dwarf::DW_TAG_array_type;
  numbers.bits = 96;
  numbers.element = Int;
  numbers.count = 3;
  return types;
}

const std::vector<std::uint8_t> in_rbx = {dwarf::DW_OP_reg3}, in_frame = {dwarf::DW_OP_fbreg, 0x60};

DebugVariable variable(const char *name, SourceTypeId type, std::uint32_t number, std::vector<std::uint8_t> place,
                       bool is_parameter = false, unsigned depth = 0) {
  return {name, type, number, /*line=*/7, depth, is_parameter, std::move(place)};
}

/// f calls something at 0x10010; at 0x10020 it has g inlined, which calls something.
DebugSites two_sites(ArrayRef<SourceType> types) {
  DebugSites sites{dwarf::DW_LANG_C99, {}, {types}};
  DebugFrame f{"f", "", "/x.c", 3, {}};
  f.variables = {variable("n", Int, 0, in_rbx, true), variable("list", PointerToNode, 1, {}),
                 variable("v", Long, 2, in_rbx), variable("v", Int, 3, in_frame, false, 1)};
  DebugFrame g{"g", "", "/x.h", 30, {variable("own", Numbers, 0, in_frame, true)}};
  sites.sites.push_back({begin + 0x20, {g, f}});
  f.line = 4;
  f.variables[0].place = in_frame;
  sites.sites.push_back({begin + 0x10, {f}});
  return sites;
}

/// A file of debug information, and what is in it.
struct Built {
  explicit Built(const DebugCode &code) : image(build_debug_elf(code)) {
    auto file = object::ObjectFile::createELFObjectFile(
        MemoryBufferRef({reinterpret_cast<const char *>(image.data()), image.size()}, "image"));
    REQUIRE(bool(file));
    object = std::move(*file);
    context = DWARFContext::create(*object);
    REQUIRE(context->getNumCompileUnits() == 1);
    unit = code.size ? context->getCompileUnitForCodeAddress(begin)
                     : static_cast<DWARFCompileUnit *>(context->getUnitAtIndex(0));
    REQUIRE(unit);
  }

  std::string problems() {
    std::string text;
    raw_string_ostream to(text);
    const bool is_right = context->verify(to);
    return is_right ? "" : text;
  }

  /// Variables in scope, innermost first, with the expressions that hold there.
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> variables_at(std::uint64_t address) {
    std::vector<std::pair<std::string, std::vector<std::uint8_t>>> found;
    for (DWARFDie at = deepest(unit->getUnitDIE(), address); at && at.getTag() != dwarf::DW_TAG_compile_unit;
         at = at.getParent())
      for (const DWARFDie &child : at.children())
        if (child.getTag() == dwarf::DW_TAG_variable || child.getTag() == dwarf::DW_TAG_formal_parameter)
          found.emplace_back(child.getName(DINameKind::ShortName), place_of(child, address));
    return found;
  }

  /// The first entry of that name.
  DWARFDie find(StringRef name) {
    for (const DWARFDebugInfoEntry &entry : unit->dies())
      if (const DWARFDie die(unit, &entry); name == StringRef(die.getShortName()))
        return die;
    return {};
  }

  static DWARFDie deepest(DWARFDie at, std::uint64_t address) {
    for (const DWARFDie &child : at.children())
      if (child.addressRangeContainsAddress(address))
        return deepest(child, address);
    return at;
  }

  static std::vector<std::uint8_t> place_of(const DWARFDie &variable, std::uint64_t address) {
    auto locations = variable.getLocations(dwarf::DW_AT_location);
    if (!locations) {
      consumeError(locations.takeError());
      return {};
    }
    for (const DWARFLocationExpression &location : *locations)
      if (!location.Range || (location.Range->LowPC <= address && address < location.Range->HighPC))
        return {location.Expr.begin(), location.Expr.end()};
    return {};
  }

  std::vector<std::uint8_t> image;
  std::unique_ptr<object::ObjectFile> object;
  std::unique_ptr<DWARFContext> context;
  DWARFCompileUnit *unit = nullptr;
};

using Variables = std::vector<std::pair<std::string, std::vector<std::uint8_t>>>;

TEST_CASE("variables are where they are at sites, and nowhere else") {
  const std::vector<SourceType> types = some_types();
  const DebugSites sites = two_sites(types);
  const DebugSymbol symbols[] = {{"f$optimized", begin, 0x40}, {"f$entry", begin + 0x40, 0x10}};
  const LineProgram no_lines;
  Built built({begin, 0x50, symbols, {}, 0, &no_lines, &sites});
  CHECK(built.problems() == "");
  CHECK(built.variables_at(begin + 0xf) == Variables{{"v", in_frame}, {"list", {}}, {"v", in_rbx}, {"n", in_frame}});
  CHECK(built.variables_at(begin + 0x1f) ==
        Variables{{"own", in_frame}, {"v", in_frame}, {"list", {}}, {"v", in_rbx}, {"n", in_rbx}});
  for (const std::uint64_t elsewhere : {0x0, 0xe, 0x10, 0x1e, 0x20, 0x3f})
    CHECK(built.variables_at(begin + elsewhere) == Variables{{"n", {}}});
  CHECK(built.variables_at(begin + 0x40).empty());
}

TEST_CASE("inlined functions have names, and types lead to themselves") {
  const std::vector<SourceType> types = some_types();
  const DebugSites sites = two_sites(types);
  const DebugSymbol symbol{"f", begin, 0x40};
  DebugLines lines;
  lines.add({begin, lines.file("/x.c"), 3});
  lines.add({begin + 0x18, lines.file("/x.h"), 30});
  lines.add({.address = begin + 0x40, .is_end = true});
  const LineProgram program{lines.write(), {}};
  Built built({begin, 0x40, {&symbol, 1}, {}, 0, &program, &sites});
  CHECK(built.problems() == "");
  const DIInliningInfo chain = built.context->getInliningInfoForAddress(
      {begin + 0x1f}, {DILineInfoSpecifier::FileLineInfoKind::AbsoluteFilePath, DINameKind::ShortName});
  REQUIRE(chain.getNumberOfFrames() == 2);
  CHECK(chain.getFrame(0).FunctionName == "g");
  CHECK(chain.getFrame(0).FileName == "/x.h");
  CHECK(chain.getFrame(0).Line == 30);
  CHECK(chain.getFrame(1).FunctionName == "f");
  CHECK(chain.getFrame(1).FileName == "/x.c");
  CHECK(chain.getFrame(1).Line == 3);
  const auto number_of = [&](const char *name, dwarf::Attribute attribute) {
    return dwarf::toUnsigned(built.find(name).find(attribute));
  };
  CHECK(number_of("low", dwarf::DW_AT_bit_size) == 3);
  CHECK(number_of("low", dwarf::DW_AT_data_bit_offset) == 64);
  const DWARFDie node = built.find("node"), next = built.find("next");
  REQUIRE((node && next));
  CHECK(next.getAttributeValueAsReferencedDie(dwarf::DW_AT_type).getAttributeValueAsReferencedDie(dwarf::DW_AT_type) ==
        node);
}

TEST_CASE("a stub has the line of its site") {
  const std::vector<SourceType> types = some_types();
  DebugSites sites = two_sites(types);
  sites.sites.resize(1);
  sites.sites[0].return_pc = begin + 1;
  const DebugSymbol symbol{"osr_stub:f#1", begin, 0x40};
  Built built({begin, 0x40, {&symbol, 1}, {}, 0, nullptr, &sites});
  CHECK(built.problems() == "");
  CHECK(built.context->getLineInfoForAddress({begin})->Line == 30);
  CHECK(built.variables_at(begin).size() == 5);
  CHECK(built.variables_at(begin + 1) == Variables{{"n", {}}});
}

TEST_CASE("types of one number in two tables are two") {
  const std::vector<SourceType> types = some_types();
  std::vector<SourceType> others = types;
  others[Int].declared_name = "whole";
  DebugSites sites = two_sites(types);
  sites.types.push_back(others);
  for (DebugVariable &each : sites.sites[0].frames.front().variables)
    each.table = 1;
  const DebugSymbol symbol{"f", begin, 0x40};
  const LineProgram no_lines;
  Built built({begin, 0x50, {&symbol, 1}, {}, 0, &no_lines, &sites});
  CHECK(built.problems() == "");
  const auto type_of = [](const DWARFDie &entry) { return entry.getAttributeValueAsReferencedDie(dwarf::DW_AT_type); };
  CHECK(StringRef(type_of(type_of(built.find("own"))).getShortName()) == "whole");
  CHECK(StringRef(type_of(built.find("n")).getShortName()) == "int");
}

TEST_CASE("global variables have a unit without code") {
  const std::vector<SourceType> types = some_types();
  DebugSites file;
  file.language = dwarf::DW_LANG_C_plus_plus_14;
  file.types = {types};
  file.file = "/x.cpp";
  file.globals = {{"count", "", {}, 3, Int, true, 0x5000},
                  {"price", "_ZN4shop5priceE", {"shop"}, 4, Long, false, 0x5008},
                  {"first", "", {"shop", "inner"}, 5, PointerToNode, false, 0x5010}};
  DebugCode unit;
  unit.sites = &file;
  Built built(unit);
  CHECK(built.problems() == "");
  CHECK(StringRef(built.context->getUnitAtIndex(0)->getUnitDIE().getShortName()) == "/x.cpp");
  for (const DebugGlobal &global : file.globals) {
    const DWARFDie entry = built.find(global.name.c_str());
    REQUIRE(entry);
    const auto place = dwarf::toBlock(entry.find(dwarf::DW_AT_location));
    REQUIRE((place && place->size() == 9));
    CHECK(place->front() == dwarf::DW_OP_addr);
    CHECK(support::endian::read64le(place->data() + 1) == global.address);
    CHECK(entry.find(dwarf::DW_AT_external).has_value() == !global.is_local);
  }
  CHECK(StringRef(built.find("price").getParent().getShortName()) == "shop");
  CHECK(StringRef(built.find("first").getParent().getShortName()) == "inner");
  CHECK(built.find("first").getParent().getParent() == built.find("shop"));
}

} // namespace
} // namespace osr
