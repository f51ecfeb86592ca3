#include "runtime/code/perf_dump.h"

#include "compiler/base/error.h"
#include "runtime/machine/elf_numbers.h"
#include "runtime/process/file_thread.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/FileSystem.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

struct DumpHeader {
  std::uint32_t magic = 0x4a695444; // "JiTD", and the byte order
  std::uint32_t version = 1, size = sizeof(DumpHeader), machine = elf_machine, padding = 0;
  std::uint32_t process = 0;
  std::uint64_t time = 0, flags = 0;
};
static_assert(sizeof(DumpHeader) == 40);

struct LoadRecord { // followed by the name with its zero, and the code
  std::uint32_t kind = 0; // JIT_CODE_LOAD
  std::uint32_t size = 0;
  std::uint64_t time = 0;
  std::uint32_t process = 0, thread = 0;
  std::uint64_t virtual_address = 0, address = 0, code_size = 0, index = 0;
};
static_assert(sizeof(LoadRecord) == 56);

struct Dump {
  std::unique_ptr<FileThread> files;
  int file = -1; ///< in that thread
  std::atomic<std::uint64_t> next_index = 0;
};
std::atomic<Dump *> dump = nullptr; ///< never destroyed: code may be compiled up to the end

/// As in the events of `perf record -k 1`.
std::uint64_t time_of_perf() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::uint64_t(now.tv_sec) * 1'000'000'000 + std::uint64_t(now.tv_nsec);
}

template <typename Record> StringRef bytes_of(const Record &record) {
  return {reinterpret_cast<const char *>(&record), sizeof record};
}

std::string folder_for_dumps() {
  const char *folder = std::getenv("JITDUMPDIR");
  if (!folder)
    folder = std::getenv("HOME");
  return std::string(folder ? folder : ".") + "/.debug/jit";
}

/// In the FileThread. An executable mapping of the file is how perf learns of it.
Error open_dump(Dump &to) {
  std::string folder = folder_for_dumps();
  std::error_code error = sys::fs::create_directories(folder);
  SmallString<128> unique;
  if (!error)
    error = sys::fs::createUniqueDirectory(folder + "/osr", unique);
  if (error)
    return make_error("cannot write a dump for perf: '{}': {}; JITDUMPDIR names the folder", folder, error.message());
  const std::string path = fmt::format("{}/jit-{}.dump", unique.str().str(), getpid());
  to.file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  DumpHeader header;
  header.process = std::uint32_t(getpid());
  header.time = time_of_perf();
  if (to.file < 0 || !write_all(to.file, bytes_of(header)) ||
      ::mmap(nullptr, std::size_t(sysconf(_SC_PAGESIZE)), PROT_READ | PROT_EXEC, MAP_PRIVATE, to.file, 0) == MAP_FAILED)
    return make_error("cannot write a dump for perf: '{}': {}; JITDUMPDIR names the folder", path, sys::StrError());
  return Error::success();
}

std::string record_of(const DebugSymbol &symbol, std::uint64_t index) {
  LoadRecord record;
  record.size = std::uint32_t(sizeof record + symbol.name.size() + 1 + symbol.size);
  record.time = time_of_perf();
  record.process = std::uint32_t(getpid());
  record.thread = std::uint32_t(gettid());
  record.virtual_address = record.address = symbol.address;
  record.code_size = symbol.size;
  record.index = index;
  std::string text = bytes_of(record).str() + symbol.name + '\0';
  text.append(reinterpret_cast<const char *>(symbol.address), symbol.size);
  return text;
}

} // namespace

Error open_perf_dump() {
  auto files = FileThread::start("osr perf");
  if (!files)
    return files.takeError();
  auto opened = std::make_unique<Dump>();
  opened->files = std::move(*files);
  Error result = Error::success();
  opened->files->run([&] { result = open_dump(*opened); });
  if (!result)
    dump = opened.release();
  return result;
}

void note_in_perf_dump(const DebugCode &code) {
  Dump *to = dump.load(std::memory_order_acquire);
  if (!to)
    return;
  std::string records;
  for (const DebugSymbol &symbol : code.symbols)
    if (symbol.size != 0)
      records += record_of(symbol, to->next_index++);
  to->files->post([to, records = std::move(records)] { write_all(to->file, records); }); // a full disk costs names only
}

} // namespace osr
