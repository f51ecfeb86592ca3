#include "runtime/guest/program_name.h"

#include <cerrno>
#include <cstring>
#include <sys/prctl.h>

namespace osr {

ProgramName::ProgramName(char *path) : before_(program_invocation_name), short_before_(program_invocation_short_name) {
  prctl(PR_GET_NAME, thread_before_.data());
  char *slash = std::strrchr(path, '/');
  program_invocation_name = path;
  program_invocation_short_name = slash ? slash + 1 : path;
  prctl(PR_SET_NAME, program_invocation_short_name);
}

ProgramName::~ProgramName() {
  program_invocation_name = before_;
  program_invocation_short_name = short_before_;
  prctl(PR_SET_NAME, thread_before_.data());
}

} // namespace osr
