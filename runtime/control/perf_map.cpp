#include "runtime/control/perf_map.h"

#include "compiler/base/error.h"
#include "runtime/process/file_thread.h"

#include <llvm/Support/Errno.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

void add(const CodeObject &code, const CanonicalProgram &program, PerfMap &map) {
  if (code.code_size == 0 || code.function == no_function || code.state() == CodeState::Freed)
    return;
  const std::string part =
      code.continuation_site ? fmt::format("behind #{}", *code.continuation_site) : to_string(code.tier);
  map.text += fmt::format("{:x} {:x} {} [{}]\n", code.code_begin, code.code_size,
                          name_for_people(program.functions[code.function].name).str(), part);
  ++map.versions;
}

/// The file of a process that had this number before: ours to remove, if it is ours.
void remove_old(const std::string &path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid())
    ::unlink(path.c_str());
}

} // namespace

PerfMap list_code(Engine &engine) {
  PerfMap map;
  const CanonicalProgram &program = engine.program();
  engine.versions().for_each_in_use([&](const Version &version) { add(version.object, program, map); });
  for (const auto &retired : engine.versions().retired())
    add(retired->object, program, map);
  return map;
}

Expected<std::string> write_perf_map(StringRef text) {
  const std::string path = fmt::format("/tmp/perf-{}.map", ::getpid()); // perf knows no other
  remove_old(path);
  constexpr mode_t for_its_user = 0600;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, for_its_user);
  if (file < 0)
    return make_error("cannot make '{}': {}", path, sys::StrError());
  const bool is_written = write_all(file, text);
  const int problem = errno;
  if (::close(file) != 0 || !is_written) {
    ::unlink(path.c_str());
    return make_error("cannot write '{}': {}", path, sys::StrError(problem));
  }
  return path;
}

} // namespace osr
