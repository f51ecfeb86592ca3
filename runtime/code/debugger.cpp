#include "runtime/code/debugger.h"

#include "runtime/code/debug_unit.h"
#include "runtime/code/dumped_memory.h"
#include "runtime/code/perf_dump.h"
#include "runtime/machine/elf_numbers.h"
#include "runtime/process/leaf_mutex.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/ExecutionEngine/Orc/TargetProcess/JITLoaderGDB.h>

#include <array>
#include <cstring>
#include <new>

// The interface of gdb, in libLLVM. A debugger has a breakpoint in the function.
extern "C" jit_descriptor __jit_debug_descriptor;
extern "C" void __jit_debug_register_code(void);

namespace osr {

namespace {

using namespace llvm::ELF;

enum Section : std::uint16_t {
  Null,
  Text,
  EhFrame,
  Symbols,
  Strings,
  Lines, ///< this and the next three are empty without lines
  LineStrings,
  Units,
  Abbreviations,
  UnitStrings, ///< this and the next one are empty without sites
  Locations,
  SectionNames,
  SectionCount
};

/// A string table: a zero byte, then zero-terminated names.
class StringTable {
public:
  std::uint32_t add(const std::string &name) {
    const auto offset = std::uint32_t(bytes_.size());
    bytes_ += name;
    bytes_ += '\0';
    return offset;
  }
  const std::string &bytes() const { return bytes_; }

private:
  std::string bytes_ = std::string(1, '\0');
};

class ElfImage {
public:
  explicit ElfImage(const DebugCode &code) : code_(code) {
    bytes_.resize(sizeof(Elf64_Ehdr));
    add_sections();
    const std::uint64_t table = append(headers_.data(), sizeof headers_);
    write_header(table);
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

private:
  std::uint64_t append(const void *data, std::size_t size) {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    const std::size_t at = bytes_.size();
    const auto *first = static_cast<const std::uint8_t *>(data);
    bytes_.insert(bytes_.end(), first, first + size);
    return at;
  }

  Elf64_Shdr &section(Section index, const char *name, Elf64_Word type, std::uint64_t align) {
    Elf64_Shdr &header = headers_[index];
    header.sh_name = section_names_.add(name);
    header.sh_type = type;
    header.sh_addralign = align;
    return header;
  }
  void fill(Elf64_Shdr &header, const void *data, std::size_t size) {
    header.sh_offset = append(data, size);
    header.sh_size = size;
  }

  void add_sections() {
    Elf64_Shdr &text = section(Text, ".text", SHT_NOBITS, 1);
    text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    text.sh_addr = code_.begin;
    text.sh_size = code_.size;

    Elf64_Shdr &eh_frame = section(EhFrame, ".eh_frame", SHT_PROGBITS, 8);
    eh_frame.sh_flags = SHF_ALLOC;
    eh_frame.sh_addr = code_.eh_frame_address;
    fill(eh_frame, code_.eh_frame.data(), code_.eh_frame.size());

    StringTable names;
    std::vector<Elf64_Sym> symbols(1);
    for (const DebugSymbol &symbol : code_.symbols) {
      Elf64_Sym entry{};
      entry.st_name = names.add(symbol.name);
      entry.setBindingAndType(STB_GLOBAL, STT_FUNC);
      entry.st_shndx = Text;
      entry.st_value = symbol.address;
      entry.st_size = symbol.size;
      symbols.push_back(entry);
    }
    Elf64_Shdr &table = section(Symbols, ".symtab", SHT_SYMTAB, 8);
    table.sh_link = Strings;
    table.sh_info = 1; // number of local symbols
    table.sh_entsize = sizeof(Elf64_Sym);
    fill(table, symbols.data(), symbols.size() * sizeof(Elf64_Sym));
    fill(section(Strings, ".strtab", SHT_STRTAB, 1), names.bytes().data(), names.bytes().size());
    if (code_.sites && !(code_.sites->sites.empty() && code_.sites->globals.empty()))
      add_sites();
    else if (code_.lines && !code_.lines->empty())
      add_lines();
    Elf64_Shdr &last = section(SectionNames, ".shstrtab", SHT_STRTAB, 1);
    fill(last, section_names_.bytes().data(), section_names_.bytes().size());
  }

  void add(Section index, const char *name, const std::vector<std::uint8_t> &bytes) {
    fill(section(index, name, SHT_PROGBITS, 1), bytes.data(), bytes.size());
  }

  void add_sites() {
    const DebugSections sections = describe_sites(code_);
    add(Lines, ".debug_line", sections.lines);
    add(Units, ".debug_info", sections.info);
    add(Abbreviations, ".debug_abbrev", sections.abbreviations);
    add(UnitStrings, ".debug_str", sections.strings);
    add(Locations, ".debug_loc", sections.locations);
  }

  void add_lines() {
    const DebugUnit unit = describe_unit(code_.begin, code_.size);
    add(Lines, ".debug_line", code_.lines->program);
    add(LineStrings, ".debug_line_str", code_.lines->strings);
    add(Units, ".debug_info", unit.info);
    add(Abbreviations, ".debug_abbrev", unit.abbreviations);
  }

  void write_header(std::uint64_t section_table) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ElfMagic, 4);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC; // addresses are final
    header.e_machine = elf_machine;
    header.e_version = EV_CURRENT;
    header.e_shoff = section_table;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = SectionCount;
    header.e_shstrndx = SectionNames;
    std::memcpy(bytes_.data(), &header, sizeof header);
  }

  const DebugCode &code_;
  std::vector<std::uint8_t> bytes_;
  std::array<Elf64_Shdr, SectionCount> headers_{};
  StringTable section_names_;
};

/// Guards the list among registrations of ours. Never destroyed: threads work while the process ends.
LeafMutex &list_mutex() {
  static auto &mutex = *new LeafMutex;
  return mutex;
}

void tell_debugger(jit_actions_t action, jit_code_entry *entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = JIT_NOACTION;
  __jit_debug_descriptor.relevant_entry = nullptr;
}

} // namespace

/// Of an image of ours.
static std::vector<std::uint8_t> bytes_of_section(const std::uint8_t *image, Section index) {
  Elf64_Ehdr header;
  std::memcpy(&header, image, sizeof header);
  Elf64_Shdr section;
  std::memcpy(&section, image + header.e_shoff + index * sizeof section, sizeof section);
  return {image + section.sh_offset, image + section.sh_offset + section.sh_size};
}

std::vector<std::uint8_t> build_debug_elf(const DebugCode &code) { return ElfImage(code).take(); }

/// What debuggers read: the entry of their list, and the image behind it.
struct DebuggerRegistration::Entry {
  DumpedBytes memory;

  explicit Entry(const DebugCode &code) : Entry(build_debug_elf(code)) {}
  explicit Entry(llvm::ArrayRef<std::uint8_t> image) : memory(sizeof(jit_code_entry) + image.size()) {
    std::memcpy(memory.data() + sizeof(jit_code_entry), image.data(), image.size());
    auto *entry = new (memory.data()) jit_code_entry{};
    entry->symfile_addr = reinterpret_cast<const char *>(memory.data() + sizeof(jit_code_entry));
    entry->symfile_size = image.size();
    Lock lock(list_mutex());
    entry->next_entry = __jit_debug_descriptor.first_entry;
    if (entry->next_entry)
      entry->next_entry->prev_entry = entry;
    __jit_debug_descriptor.first_entry = entry;
    tell_debugger(JIT_REGISTER_FN, entry);
  }
  ~Entry() {
    auto *entry = reinterpret_cast<jit_code_entry *>(memory.data());
    Lock lock(list_mutex());
    (entry->prev_entry ? entry->prev_entry->next_entry : __jit_debug_descriptor.first_entry) = entry->next_entry;
    if (entry->next_entry)
      entry->next_entry->prev_entry = entry->prev_entry;
    tell_debugger(JIT_UNREGISTER_FN, entry);
  }

  const std::uint8_t *image() const { return memory.data() + sizeof(jit_code_entry); }
};

DebuggerRegistration::DebuggerRegistration() = default;
DebuggerRegistration::DebuggerRegistration(const DebugCode &code) : entry_(std::make_unique<Entry>(code)) {
  note_in_perf_dump(code);
}
DebuggerRegistration::DebuggerRegistration(DebuggerRegistration &&) noexcept = default;
DebuggerRegistration &DebuggerRegistration::operator=(DebuggerRegistration &&) noexcept = default;
void DebuggerRegistration::tell_anew(const DebugCode &code) { entry_ = std::make_unique<Entry>(code); }
LineProgram DebuggerRegistration::lines() const {
  return {bytes_of_section(entry_->image(), Lines), bytes_of_section(entry_->image(), LineStrings)};
}
DebuggerRegistration::~DebuggerRegistration() = default;

} // namespace osr
