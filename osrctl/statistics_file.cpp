#include "osrctl/statistics_file.h"

#include "compiler/base/error.h"
#include "osrctl/own_files.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

std::error_code write_file(const std::string &path, StringRef text) {
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (error)
    return error;
  file << text;
  file.close();
  error = file.error();
  file.clear_error(); // else LLVM ends the process
  return error;
}

} // namespace

/// Nothing is opened that is more than a file: the reader of a pipe would see its end.
Error prepare_statistics_file(std::string &path) {
  SmallString<128> absolute(path);
  std::error_code error = sys::fs::make_absolute(absolute);
  sys::fs::file_status status;
  if (!error && (sys::fs::status(absolute, status) || status.type() != sys::fs::file_type::fifo_file))
    raw_fd_ostream(absolute, error);
  if (error)
    return make_error("cannot write statistics to '{}': {}", path, error.message());
  path = std::string(absolute);
  return Error::success();
}

void StatisticsWriter::write() const {
  if (path.empty() || !runtime)
    return;
  std::optional<Statistics> statistics = runtime->snapshot();
  if (!statistics) {
    std::fprintf(stderr, "osrctl: no statistics: another thread is compiling\n");
    return;
  }
  const std::string text = statistics->to_json() + '\n';
  std::error_code error;
  with_own_files([&] { error = write_file(path, text); });
  if (error)
    std::fprintf(stderr, "osrctl: cannot write statistics to '%s': %s\n", path.c_str(), error.message().c_str());
}

} // namespace osr
