// The room behind the control socket: what clients ask for is handed to the rooms that do it.
#pragma once

#include "osr/options.h"
#include "osr/statistics.h"
#include "runtime/control/server.h"
#include "runtime/inspect/debugger_variables.h"
#include "runtime/redefine/hooks.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/tiering/tiering.h"

#include <functional>
#include <memory>

namespace osr {

/// What the answers are made from. All of it outlives the server.
struct ControlParts {
  Engine &engine;
  FirstCalls &first_calls;
  Replacer &replacer;
  Redefiner &redefiner;
  SourceTables &sources;
  DebuggerVariables &debugger_variables;
  Tiering *tiering; ///< null: no policy
  std::function<std::optional<Statistics>()> statistics; ///< nothing: the lock could not be had in time
  std::string program = {}; ///< as a person calls it
  Hooks *hooks = nullptr; ///< Control's own
};

/// Thread-safe.
class Control {
public:
  Control(ControlParts parts, ControlOptions options)
      : parts_(std::move(parts)), options_(std::move(options)), hooks_(parts_.engine, parts_.first_calls) {
    parts_.program = options_.program;
    parts_.hooks = &hooks_;
  }

  /// In a thread with the program's descriptors. The engine watches threads from before this on. Fails only if the options say that there has to be a socket.
  llvm::Error start();
  /// Requests are cancelled and waited for.
  void stop() { server_.reset(); }
  /// Before the process ends.
  void hide() const;
  /// In the child of a fork, which has no control socket.
  void forget_threads() { (void)server_.release(); }

private:
  ControlParts parts_;
  ControlOptions options_;
  Hooks hooks_;
  std::unique_ptr<ControlServer> server_; ///< whose clients use all of this
};

using AnswerTo = llvm::Expected<nlohmann::json>(const ControlParts &parts, const Call &call);

/// Null: nothing is done by a worker under this name. For each method of methods() there is one.
AnswerTo *answer_to(const Method &method);

AnswerTo answer_status, answer_functions, answer_function, answer_stats; // look.cpp
AnswerTo answer_speculation; // speculation.cpp
AnswerTo answer_threads, answer_stack; // stacks.cpp
AnswerTo answer_sites, answer_records, answer_disassemble, answer_ir, answer_perf_map, answer_debug_info; // code.cpp
AnswerTo answer_symbols, answer_redefine, answer_revert; // redefine.cpp
AnswerTo answer_patch; // patching.cpp
AnswerTo answer_files; // program_files.cpp
AnswerTo answer_policy, answer_threshold, answer_pause, answer_resume, answer_hold, answer_release; // policy.cpp
AnswerTo answer_events; // events.cpp
AnswerTo answer_trace; // trace.cpp
AnswerTo answer_replace, answer_reclaim; // replace.cpp
AnswerTo answer_patches, answer_force; // patches.cpp

nlohmann::json describe(const ReplaceOutcome &outcome);
nlohmann::json describe(const RedefineOutcome &outcome);
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer_from(const std::string &base64);
/// Whether one function is changed as a patch is: with hooks, or not before a moment at which nobody would stay behind.
bool is_as_patch(const Call &call);
/// Of one function, or of the newest patch.
AnswerTo revert_as_patch;
llvm::Expected<nlohmann::json> redefine_as_patch(const ControlParts &parts, const Call &call,
                                                 std::unique_ptr<llvm::MemoryBuffer> ir);
/// What optimised code took for granted and was wrong about, of one function or of all.
nlohmann::json failed_guesses(Engine &engine, std::optional<std::string> function) OSR_REQUIRES(engine_lock);
/// Before a question for which the program may have to be read again.
void tell_if_read_anew(const ControlParts &parts, const std::function<void(const std::string &)> &progress);
const char *to_string(ThreadRole role);
/// What the kernel calls a thread, for people.
std::string thread_name(pid_t tid);
/// A text of the table.
Tier tier_from(const std::string &word);

} // namespace osr
