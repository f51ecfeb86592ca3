#include "runtime/engine/compile_cache_file.h"

#include "compiler/base/error.h"
#include "compiler/base/error_code.h"
#include "runtime/engine/build_identity.h"

#include <llvm/ADT/ScopeExit.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/Support/Endian.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Support/xxhash.h>

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr StringLiteral magic = "osrcache";
constexpr std::size_t key_size = std::tuple_size_v<CompileCache::Key>;
constexpr std::size_t entry_header_size = key_size + 2 * sizeof(std::uint64_t);

StringRef text_of(ArrayRef<std::uint8_t> bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

void add_number(std::string &file, std::uint64_t number) {
  char bytes[sizeof number];
  support::endian::write64le(bytes, number);
  file.append(bytes, sizeof bytes);
}

/// What is at the front of `rest`, which goes on behind it; nothing: it is damaged.
struct Entry {
  CompileCache::Key key;
  StringRef bytes;
};
std::optional<Entry> take_entry(StringRef &rest) {
  if (rest.size() < entry_header_size)
    return std::nullopt;
  Entry entry;
  std::memcpy(entry.key.data(), rest.data(), key_size);
  const std::uint64_t size = support::endian::read64le(rest.data() + key_size);
  const std::uint64_t checksum = support::endian::read64le(rest.data() + key_size + sizeof size);
  rest = rest.drop_front(entry_header_size);
  if (size > rest.size())
    return std::nullopt;
  entry.bytes = rest.take_front(size);
  rest = rest.drop_front(size);
  if (xxh3_64bits(entry.bytes) != checksum)
    return std::nullopt;
  return entry;
}

Error check_owner(const std::string &path, const struct stat &status) {
  if (!S_ISREG(status.st_mode))
    return make_error(ErrorCode::Invalid, "'{}' is no file", path);
  if (status.st_uid != ::geteuid())
    return make_error("'{}' belongs to user {}, and what is in it would be executed", path, status.st_uid);
  return Error::success();
}

Error check_writers(const std::string &path, const struct stat &status) {
  if (status.st_mode & (S_IWGRP | S_IWOTH))
    return make_error("others may write '{}', and what is in it would be executed: chmod go-w", path);
  return Error::success();
}

/// Calls `use` with the file, if there is one and it is this user's.
Error with_own_file(const std::string &path, function_ref<Error(int file, const struct stat &status)> use) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 && errno == ENOENT)
    return Error::success();
  if (file < 0)
    return make_error("cannot read '{}': {}", path, errno == ELOOP ? "it is a link" : sys::StrError());
  const scope_exit close([file] { ::close(file); });
  struct stat status = {};
  if (::fstat(file, &status) != 0)
    return make_error("cannot read '{}': {}", path, sys::StrError());
  if (Error error = check_owner(path, status))
    return error;
  return use(file, status);
}

/// Whatever else may have come to this path by mistake stays as it is.
Error check_replaceable(const std::string &path) {
  return with_own_file(path, [&](int file, const struct stat &status) -> Error {
    char beginning[magic.size()];
    if (status.st_size != 0 && (::pread(file, beginning, sizeof beginning, 0) != ssize_t(sizeof beginning) ||
                                StringRef(beginning, sizeof beginning) != magic))
      return make_error(ErrorCode::Invalid, "'{}' is no compile cache, and stays as it is", path);
    return Error::success();
  });
}

} // namespace

Expected<std::string> begin_cache_file() {
  const auto identity = build_identity();
  if (!identity)
    return make_error(
        "this program, or the LLVM that it uses, was linked without --build-id: its cache could be taken for one of "
        "another build");
  return magic.str() + text_of(*identity).str();
}

void add_to_cache_file(std::string &file, const CompileCache::Key &key, StringRef bytes) {
  file += text_of(key);
  add_number(file, bytes.size());
  add_number(file, xxh3_64bits(bytes));
  file += bytes;
}

Error read_cache_file(StringRef file, CompileCacheVisitor visit) {
  if (file.empty())
    return Error::success(); // somebody has only made the name
  if (!file.starts_with(magic))
    return make_error(ErrorCode::Invalid, "it is no compile cache");
  auto beginning = begin_cache_file();
  if (!beginning) {
    consumeError(beginning.takeError()); // whose it is cannot be told: no use can be made of it
    return Error::success();
  }
  StringRef rest = file;
  if (!rest.consume_front(*beginning))
    return Error::success();
  SmallVector<Entry, 0> entries;
  while (!rest.empty()) {
    const std::size_t at = file.size() - rest.size();
    const std::optional<Entry> entry = take_entry(rest);
    if (!entry)
      return make_error(ErrorCode::Invalid, "it is damaged at byte {}", at);
    entries.push_back(*entry);
  }
  for (const Entry &entry : entries)
    visit(entry.key, entry.bytes);
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>> open_cache_file(const std::string &path) {
  std::unique_ptr<MemoryBuffer> read;
  Error error = with_own_file(path, [&](int file, const struct stat &status) -> Error {
    if (Error others = check_writers(path, status))
      return others;
    // Copied, since whoever makes it shorter meanwhile would end this process.
    auto buffer = MemoryBuffer::getOpenFile(file, path, std::uint64_t(status.st_size), /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
    if (!buffer)
      return make_error("cannot read '{}': {}", path, buffer.getError().message());
    read = std::move(*buffer);
    return Error::success();
  });
  if (error)
    return error;
  return read;
}

Error replace_cache_file(const std::string &path, StringRef file) {
  if (Error error = check_replaceable(path))
    return error;
  SmallString<128> name;
  int descriptor = -1;
  std::error_code error = sys::fs::createUniqueFile(path + ".%%%%%%%%", descriptor, name, sys::fs::OF_None,
                                                    sys::fs::owner_read | sys::fs::owner_write);
  if (!error) {
    (void)::fchmod(descriptor, S_IRUSR | S_IWUSR); // whatever the program's umask leaves
    raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << file;
    stream.close();
    error = stream.error();
    stream.clear_error(); // else LLVM ends the process
    if (!error)
      error = sys::fs::rename(name, path);
    if (error)
      (void)sys::fs::remove(name);
  }
  return error ? make_error("cannot write '{}': {}", path, error.message()) : Error::success();
}

} // namespace osr
