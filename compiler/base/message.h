// What is said of the process, and cannot be returned to anybody.
#pragma once

#include <llvm/ADT/StringRef.h>

namespace osr {

/// To whoever answers, else to stderr. Thread-safe; of the calling thread nothing is known, not even which locks it has.
void say(llvm::StringRef message);

/// Returns false if nobody listens.
using MessageHandler = bool(llvm::StringRef message);
/// Who gets what is said from here on, in the whole process.
void answer_messages(MessageHandler *handler);

} // namespace osr
