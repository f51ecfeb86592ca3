#include "runtime/threads/poll_word.h"

#include "osr-stubs/thread_state.h"

namespace osr {
namespace {

constinit thread_local std::atomic<PollWord> poll_word __attribute__((tls_model("initial-exec"))) = PollWord::None;

} // namespace

std::int64_t poll_word_tls_offset() { return thread_pointer_offset(&poll_word); }

std::atomic<PollWord> &own_poll_word() { return poll_word; }

} // namespace osr
