#include "runtime/code/symbol_file.h"

#include "runtime/machine/elf_numbers.h"
#include "runtime/machine/page_size.h"

#include <llvm/Support/Errno.h>
#include <llvm/Support/MathExtras.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace osr {
namespace {

/// The hash of symbol names in System V ABI, chapter 5.
std::uint32_t hash(llvm::StringRef name) {
  std::uint32_t value = 0;
  for (const unsigned char letter : name) {
    value = (value << 4) + letter;
    const std::uint32_t high = value & 0xf0000000;
    value = (value ^ (high >> 24)) & ~high;
  }
  return value;
}

/// Parts of a file, one behind the other.
class File {
public:
  template <typename T> std::uint64_t add(llvm::ArrayRef<T> part) {
    bytes.resize(llvm::alignTo(bytes.size(), alignof(T)));
    const std::uint64_t offset = bytes.size();
    const auto *begin = reinterpret_cast<const std::uint8_t *>(part.data());
    bytes.insert(bytes.end(), begin, begin + part.size() * sizeof(T));
    return offset;
  }
  template <typename T> void put(std::uint64_t offset, const T &value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  }

  std::vector<std::uint8_t> bytes;
};

Elf64_Ehdr file_header(std::uint64_t program_headers, Elf64_Half count) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = elf_machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = program_headers;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = count;
  return header;
}

Elf64_Phdr segment(Elf64_Word type, std::uint64_t offset, std::uint64_t size) {
  return {type, PF_R | PF_W, offset, offset, offset, size, size, type == PT_LOAD ? Elf64_Xword(page_size) : 8};
}

struct Tables {
  std::vector<Elf64_Sym> symbols{Elf64_Sym{}};
  std::string strings = std::string(1, '\0') + symbol_file_name + std::string(1, '\0');
  std::vector<std::uint32_t> hashes; ///< bucket count, chain count, buckets, chains

  explicit Tables(llvm::ArrayRef<ProgramSymbol> all) {
    const auto buckets = std::uint32_t(all.size() | 1);
    hashes.assign(2 + buckets + all.size() + 1, 0);
    hashes[0] = buckets;
    hashes[1] = std::uint32_t(all.size() + 1);
    for (const ProgramSymbol &symbol : all) {
      std::uint32_t &first = hashes[2 + hash(symbol.name) % buckets];
      hashes[2 + buckets + symbols.size()] = first;
      first = std::uint32_t(symbols.size());
      const unsigned char info = ELF64_ST_INFO(STB_GLOBAL, symbol.is_function ? STT_FUNC : STT_OBJECT);
      symbols.push_back({Elf64_Word(strings.size()), info, STV_DEFAULT, SHN_ABS, symbol.address, 0});
      strings += symbol.name + '\0';
    }
  }
};

/// The whole, or an error; a limit for the size of files sends a signal, too, which goes.
bool write_whole(int file, llvm::ArrayRef<std::uint8_t> bytes) {
  sigset_t limit, before;
  sigemptyset(&limit);
  sigaddset(&limit, SIGXFSZ);
  ::pthread_sigmask(SIG_BLOCK, &limit, &before);
  const bool is_written = ::write(file, bytes.data(), bytes.size()) == ssize_t(bytes.size());
  const int error = errno;
  constexpr timespec at_once{};
  if (!is_written)
    ::sigtimedwait(&limit, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return is_written;
}

std::string last_error() {
  const char *reason = ::dlerror();
  return reason ? reason : "unknown reason";
}

} // namespace

std::vector<std::uint8_t> build_symbol_file(llvm::ArrayRef<ProgramSymbol> symbols) {
  const Tables tables(symbols);
  File file;
  file.add<Elf64_Ehdr>(Elf64_Ehdr{});
  const std::uint64_t headers = file.add<Elf64_Phdr>(std::vector<Elf64_Phdr>(3));
  const std::uint64_t symbol_table = file.add<Elf64_Sym>(tables.symbols);
  const std::uint64_t hash_table = file.add<std::uint32_t>(tables.hashes);
  const std::uint64_t strings = file.add<char>(llvm::ArrayRef(tables.strings.data(), tables.strings.size()));
  const Elf64_Dyn dynamic[] = {{DT_SONAME, {1}},
                               {DT_HASH, {hash_table}},
                               {DT_SYMTAB, {symbol_table}},
                               {DT_SYMENT, {sizeof(Elf64_Sym)}},
                               {DT_STRTAB, {strings}},
                               {DT_STRSZ, {tables.strings.size()}},
                               {DT_NULL, {0}}};
  const std::uint64_t section = file.add<Elf64_Dyn>(dynamic);
  file.put(0, file_header(headers, 3));
  const Elf64_Phdr segments[] = {segment(PT_LOAD, 0, file.bytes.size()), segment(PT_DYNAMIC, section, sizeof dynamic),
                                 segment(PT_GNU_STACK, 0, 0)}; // else the dynamic linker makes stacks executable
  file.put(headers, segments);
  return std::move(file.bytes);
}

/// In memory, and only for as long as it takes: no descriptor stays open.
llvm::Expected<void *> load_symbol_file(llvm::ArrayRef<ProgramSymbol> symbols) {
  const std::vector<std::uint8_t> bytes = build_symbol_file(symbols);
  const int file = ::memfd_create(symbol_file_name, MFD_CLOEXEC);
  if (file < 0 || !write_whole(file, bytes)) {
    const int error = errno;
    if (file >= 0)
      ::close(file);
    return make_error("shared libraries cannot be shown the program's symbols: no file in memory: {} (see `ulimit -n` "
                      "and `ulimit -f`)",
                      llvm::sys::StrError(error));
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  std::string reason = handle ? "" : last_error();
  ::close(file);
  if (handle)
    return handle;
  return make_error("shared libraries cannot be shown the program's symbols: {} (is /proc mounted?)", reason);
}

} // namespace osr
