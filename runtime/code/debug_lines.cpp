#include "runtime/code/debug_lines.h"

#include "runtime/code/debug_entries.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugLine.h>
#include <llvm/Support/Path.h>

#include <iterator>

using namespace llvm;

namespace osr {
namespace {

std::unique_ptr<MemoryBuffer> buffer_of(const std::vector<std::uint8_t> &bytes) {
  return MemoryBuffer::getMemBuffer({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, "", false);
}

/// "": not known.
std::string path_of(const RealLine &line) {
  if (line.file.empty())
    return "";
  SmallString<128> path(sys::path::is_absolute(line.file) ? "" : line.directory);
  sys::path::append(path, line.file);
  return path.str().str();
}

/// Of the standard operations 1 to 12.
constexpr std::uint8_t operand_counts[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};

void write_row(const DebugLines::Row &row, DebugLines::Row &before, bool is_first, DwarfWriter &to) {
  if (is_first) {
    to.number(std::uint8_t(0));
    to.uleb(1 + sizeof row.address);
    to.number(std::uint8_t(dwarf::DW_LNE_set_address));
    to.number(row.address);
  } else {
    to.number(std::uint8_t(dwarf::DW_LNS_advance_pc));
    to.uleb(row.address - before.address);
  }
  if (row.is_end) {
    to.number(std::uint8_t(0));
    to.uleb(1);
    to.number(std::uint8_t(dwarf::DW_LNE_end_sequence));
    return;
  }
  if (row.file != before.file) {
    to.number(std::uint8_t(dwarf::DW_LNS_set_file));
    to.uleb(row.file);
  }
  to.number(std::uint8_t(dwarf::DW_LNS_advance_line));
  to.sleb(std::int64_t(row.line) - std::int64_t(before.line));
  if (row.is_statement != before.is_statement)
    to.number(std::uint8_t(dwarf::DW_LNS_negate_stmt));
  if (row.ends_prologue)
    to.number(std::uint8_t(dwarf::DW_LNS_set_prologue_end));
  to.number(std::uint8_t(dwarf::DW_LNS_copy));
  before = row;
}

} // namespace

DebugLines::DebugLines(const LineProgram &lines, FindRealLine real) {
  StringMap<std::unique_ptr<MemoryBuffer>> sections;
  sections["debug_line"] = buffer_of(lines.program);
  sections["debug_line_str"] = buffer_of(lines.strings);
  const auto context = DWARFContext::create(sections, sizeof(std::uint64_t));
  const DWARFObject &object = context->getDWARFObj();
  DWARFDataExtractor data(object, object.getLineSection(), /*IsLittleEndian=*/true, sizeof(std::uint64_t));
  DWARFDebugLine::LineTable table;
  std::uint64_t offset = 0;
  if (Error error = table.parse(data, &offset, *context, nullptr, consumeError)) {
    consumeError(std::move(error));
    return;
  }
  const auto &folders = table.Prologue.IncludeDirectories; // the others are relative to the first
  const StringRef from = table.Prologue.getVersion() < 5 || folders.empty() ? "" : dwarf::toString(folders[0], "");
  const auto name_of = [&](const DWARFDebugLine::Row &row, StringRef folder,
                           DILineInfoSpecifier::FileLineInfoKind kind) {
    std::string name;
    table.getFileNameByIndex(row.File, folder, kind, name);
    return name;
  };
  using Kind = DILineInfoSpecifier::FileLineInfoKind;
  for (const DWARFDebugLine::Row &row : table.Rows) {
    const bool is_end = row.EndSequence;
    const bool is_first = rows_.empty() || rows_.back().is_end;
    if (is_end && is_first)
      continue;
    Row next{row.Address.Address, is_end ? rows_.back().file : 0, row.Line,
             bool(row.IsStmt),    bool(row.PrologueEnd),          is_end};
    if (!is_end) {
      const auto found = real ? real(name_of(row, "", Kind::RawValue), row.Line) : std::nullopt;
      const std::string path = found ? path_of(*found) : name_of(row, from, Kind::AbsoluteFilePath);
      if (path.empty() && rows_.empty())
        continue; // a file without a name would end the list of files
      next.file = path.empty() ? rows_.back().file : file(path);
      next.line = found ? found->line : row.Line;
    }
    add(next);
  }
}

unsigned DebugLines::file(const std::string &path) {
  const auto [known, is_new] = numbers_.try_emplace(path, unsigned(files_.size()) + 1);
  if (is_new)
    files_.push_back(path);
  return known->second;
}

std::vector<std::uint8_t> DebugLines::write() const {
  DwarfWriter header; // behind its length
  header.number(std::uint8_t(1)); // bytes an instruction has at least
  header.number(std::uint8_t(1)); // operations in one
  header.number(std::uint8_t(1)); // rows are statements
  header.number(std::uint8_t(0)); // no special operations: their first line,
  header.number(std::uint8_t(1)); // and how many
  header.number(std::uint8_t(std::size(operand_counts) + 1));
  header.block(operand_counts);
  header.number(std::uint8_t(0)); // no folders: each file has its path
  for (const std::string &file : files_) {
    header.text(file);
    for (int unknown = 0; unknown != 3; ++unknown) // folder, time, size
      header.uleb(0);
  }
  header.number(std::uint8_t(0));

  DwarfWriter whole;
  whole.number(std::uint32_t(0)); // the length, below
  whole.number(std::uint16_t(4));
  whole.number(std::uint32_t(header.size()));
  whole.block(header.take());
  const Row initial{0, 1, 1};
  Row before = initial;
  bool is_first = true;
  for (const Row &row : rows_) {
    write_row(row, before, is_first, whole);
    is_first = row.is_end;
    if (row.is_end)
      before = initial;
  }
  whole.patch(0, std::uint32_t(whole.size() - sizeof(std::uint32_t)));
  return whole.take();
}

} // namespace osr
