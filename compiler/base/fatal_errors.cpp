#include "compiler/base/fatal_errors.h"

#include "compiler/base/error.h"
#include "compiler/base/message.h"

#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/PrettyStackTrace.h>

#include <csetjmp>
#include <string>

using namespace llvm;

namespace osr {
namespace {

struct Catcher {
  std::jmp_buf place;
  std::string reason;
};
thread_local Catcher *catcher = nullptr;

void fatal_error(void *, const char *reason, bool) {
  if (!catcher) { // LLVM ends the process when this returns, but leaves the message to its handler
    say(fmt::format("LLVM ERROR: {}", reason));
    return;
  }
  catcher->reason = reason;
  std::longjmp(catcher->place, 1);
}

} // namespace

Error catch_fatal_error(function_ref<void()> work) {
  static const bool installed = (install_fatal_error_handler(fatal_error), true);
  (void)installed;
  Catcher own;
  Catcher *const outer = catcher;
  const void *const stack_trace = SavePrettyStackState();
  if (setjmp(own.place) == 0) {
    catcher = &own;
    work();
    catcher = outer;
    return Error::success();
  }
  catcher = outer;
  RestorePrettyStackState(stack_trace);
  return make_error("LLVM: {}", own.reason);
}

} // namespace osr
