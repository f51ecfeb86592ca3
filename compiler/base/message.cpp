#include "compiler/base/message.h"

#include <atomic>
#include <cstdio>

namespace osr {
namespace {

std::atomic<MessageHandler *> message_handler = nullptr;

} // namespace

void answer_messages(MessageHandler *handler) { message_handler = handler; }

void say(llvm::StringRef message) {
  MessageHandler *handler = message_handler.load();
  if (handler && handler(message))
    return;
  std::fprintf(stderr, "%.*s\n", int(message.size()), message.data());
  std::fflush(stderr);
}

} // namespace osr
