#include "runtime/code/real_lines.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugLine.h>
#include <llvm/Support/LEB128.h>
#include <llvm/Support/raw_ostream.h>

#include <cstring>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

using namespace llvm;

namespace osr {
namespace {

using Row = DWARFDebugLine::Row;
using FindRealLine = function_ref<std::optional<RealLine>(StringRef file, unsigned line)>;

constexpr std::uint8_t first_special_opcode = 13; ///< none is used

/// DWARF 4's form of a line program: its strings are in it.
class LineProgramWriter {
public:
  /// Code of which nothing is known is line 0 of the file before: a file without a name would end the list of files.
  void add(const Row &row, const RealLine &place) {
    if (place.file.empty() && known_.empty())
      return;
    if (!in_sequence_) {
      extended(dwarf::DW_LNE_set_address, row.Address.Address);
      address_ = row.Address.Address;
      std::tie(file_, line_, is_statement_, in_sequence_) = std::tuple(1, 1, true, true);
    }
    const std::uint64_t file = place.file.empty() ? file_ : number_of(place);
    advance(row);
    if (file != file_)
      opcode(dwarf::DW_LNS_set_file, file_ = file);
    if (place.line != line_) {
      byte(dwarf::DW_LNS_advance_line);
      encodeSLEB128(std::int64_t(place.line) - std::int64_t(line_), program_);
      line_ = place.line;
    }
    if (bool(row.IsStmt) != is_statement_) {
      byte(dwarf::DW_LNS_negate_stmt);
      is_statement_ = row.IsStmt;
    }
    if (row.PrologueEnd)
      byte(dwarf::DW_LNS_set_prologue_end);
    byte(dwarf::DW_LNS_copy);
  }

  void end_sequence(const Row &row) {
    if (!in_sequence_)
      return;
    advance(row);
    byte(0);
    encodeULEB128(1, program_);
    byte(dwarf::DW_LNE_end_sequence);
    in_sequence_ = false;
  }

  std::vector<std::uint8_t> take() {
    std::string after; // what follows the header's length
    raw_string_ostream header(after);
    for (std::uint8_t field : {1, 1, 1, 0, 1}) // instruction length, operations, is_stmt, line base, line range
      header << char(field);
    header << char(first_special_opcode);
    for (std::uint8_t operands : {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1})
      header << char(operands);
    header << directories_ << '\0' << files_ << '\0';
    std::string all;
    put(all, std::uint32_t(sizeof(std::uint16_t) + sizeof(std::uint32_t) + after.size() + text_.size()));
    put(all, std::uint16_t(4));
    put(all, std::uint32_t(after.size()));
    all += after + text_;
    return {all.begin(), all.end()};
  }

private:
  template <typename T> static void put(std::string &to, T value) {
    to.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  void byte(std::uint8_t value) { program_ << char(value); }
  void opcode(std::uint8_t code, std::uint64_t operand) {
    byte(code);
    encodeULEB128(operand, program_);
  }
  void extended(std::uint8_t code, std::uint64_t operand) {
    byte(0);
    encodeULEB128(1 + sizeof operand, program_);
    byte(code);
    put(text_, operand);
  }
  void advance(const Row &row) {
    if (row.Address.Address != address_)
      opcode(dwarf::DW_LNS_advance_pc, row.Address.Address - address_);
    address_ = row.Address.Address;
  }

  /// Of a file, from 1.
  std::uint64_t number_of(const RealLine &place) {
    const auto [known, is_new] = known_.try_emplace({place.directory, place.file}, known_.size() + 1);
    if (!is_new)
      return known->second;
    std::uint64_t directory = 0; // of the unit, which has none
    if (!place.directory.empty()) {
      const auto [found, is_new_directory] =
          known_directories_.try_emplace(place.directory, known_directories_.size() + 1);
      if (is_new_directory)
        directories_ += place.directory + '\0';
      directory = found->second;
    }
    raw_string_ostream files(files_);
    files << place.file << '\0';
    encodeULEB128(directory, files);
    files << '\0' << '\0'; // time and size
    return known->second;
  }

  std::string text_, directories_, files_;
  raw_string_ostream program_{text_};
  std::map<std::pair<std::string, std::string>, std::uint64_t> known_;
  std::map<std::string, std::uint64_t> known_directories_;
  std::uint64_t address_ = 0, file_ = 1, line_ = 1;
  bool is_statement_ = true, in_sequence_ = false;
};

std::unique_ptr<MemoryBuffer> view_of(const std::vector<std::uint8_t> &bytes) {
  return MemoryBuffer::getMemBuffer({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, "",
                                    /*RequiresNullTerminator=*/false);
}

/// What the program itself says of a row.
RealLine place_of(const Row &row, const DWARFDebugLine::LineTable &table) {
  RealLine place{"", "", row.Line};
  using Kind = DILineInfoSpecifier::FileLineInfoKind;
  std::string path;
  if (!table.hasFileAtIndex(row.File) || !table.getFileNameByIndex(row.File, "", Kind::RawValue, place.file))
    return place;
  if (table.getFileNameByIndex(row.File, "", Kind::AbsoluteFilePath, path) && StringRef(path).ends_with(place.file))
    place.directory = StringRef(path).drop_back(place.file.size()).rtrim('/').str();
  return place;
}

} // namespace

bool has_file_that_begins_with(const LineProgram &program, StringRef prefix) {
  return any_of(ArrayRef{&program.program, &program.strings}, [&](const std::vector<std::uint8_t> *in) {
    return ::memmem(in->data(), in->size(), prefix.data(), prefix.size()) != nullptr;
  });
}

LineProgram with_real_lines(const LineProgram &program, FindRealLine real) {
  StringMap<std::unique_ptr<MemoryBuffer>> sections;
  sections["debug_line"] = view_of(program.program);
  sections["debug_line_str"] = view_of(program.strings);
  const auto context = DWARFContext::create(sections, sizeof(std::uint64_t));
  const DWARFObject &object = context->getDWARFObj();
  DWARFDataExtractor data(object, object.getLineSection(), /*IsLittleEndian=*/true, sizeof(std::uint64_t));
  DWARFDebugLine reader;
  auto table =
      reader.getOrParseLineTable(data, 0, *context, nullptr, [](Error error) { consumeError(std::move(error)); });
  if (!table) {
    consumeError(table.takeError());
    return {};
  }
  LineProgramWriter writer;
  for (const Row &row : (*table)->Rows) {
    if (row.EndSequence) {
      writer.end_sequence(row);
      continue;
    }
    const RealLine place = place_of(row, **table);
    writer.add(row, real(place.file, place.line).value_or(place));
  }
  return {writer.take(), {}};
}

} // namespace osr
