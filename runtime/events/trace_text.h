// The lines of a trace file: Chrome's trace event format, as an array of objects.
// Source: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
#pragma once

#include <llvm/ADT/StringRef.h>

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <sys/types.h>

namespace osr {

using TraceTime = std::chrono::steady_clock::duration; ///< since the file was begun

enum class TraceScope { Thread, Process };

/// The fields of an event that say what happened, to be handed to the functions below. Bytes that are no UTF-8 are replaced.
std::string trace_what(llvm::StringRef category, llvm::StringRef name, const nlohmann::json &arguments);

/// Each begins with the comma that separates it from the one before.
std::string trace_span(pid_t thread, TraceTime begin, TraceTime took, llvm::StringRef what);
std::string trace_instant(pid_t thread, TraceTime at, llvm::StringRef what, TraceScope scope = TraceScope::Thread);
/// `kind` is "process_name" or "thread_name".
std::string trace_name(pid_t thread, llvm::StringRef kind, llvm::StringRef name);

/// Threads of the runtime have names; those of the program have that of the process, unless it gives them one.
std::string shown_name(pid_t thread);

} // namespace osr
