// Requests: replace activations, in all threads, wherever they are.
#pragma once

#include "osr/replace.h"
#include "runtime/engine/continuation_budget.h"
#include "runtime/engine/engine.h"
#include "runtime/requests/loop_polls.h"

#include <atomic>
#include <set>
#include <vector>

namespace osr {

/// How far a request goes.
struct Effort {
  /// Activations that are where a continuation would have to be compiled are waited for, some milliseconds, before it
  /// is.
  bool spares_compiling = false;
  /// Not null: the request ends where continuations would have to be compiled, which are listed here.
  std::vector<VersionKey> *missing = nullptr;
  ContinuationBudget *budget = nullptr; ///< bounds the continuations that are compiled; null: no bound
  const std::atomic<bool> *is_cancelled = nullptr; ///< asked before anything is written
};

/// Which activations a request replaces, and by what.
struct Replacement {
  Landing landing = Landing::InPlace;
  /// Activations of this code, and those that wait to go on in it.
  std::vector<const CodeObject *> objects;
  /// Activations at these sites, whatever code they are in: those that hold an inlined frame.
  std::vector<SiteKey> sites;
  /// Code and sites in which activations are to stay from now on. Matters only where sites are patched, which would
  /// catch activations to come.
  std::vector<const CodeObject *> stays;
  std::vector<SiteKey> sites_that_stay;
  /// Only activations that the site map of a redefinition covers.
  bool only_mapped = false;
  std::optional<pid_t> only_thread; ///< only activations of that one
  Effort effort;
};

/// What became of a request. Decisions are made by the kinds; what the host gets has them as texts.
struct RequestOutcome : ReplaceOutcome {
  std::set<RefusalKind> refusal_kinds; ///< of `refused`

  void refuse(const Refusal &why, std::uint64_t activations);
};

struct RequestSearch;

/// Carries out requests, one at a time. The engine, which watches threads, must outlive it.
class Requests {
public:
  Requests(Engine &engine, LoopPolls &polls)
      : handshake_(engine.handshake()), polls_(polls), maker_(engine.maker()), stubs_(engine.stubs()),
        lookup_(engine.lookup()), table_(engine.stub_table()), redirector_(engine.redirector()),
        calls_(engine.targets().sites()) {}

  /// Sends all activations that `what` names to stubs. Stubs for the sites found on the stacks are made while the
  /// threads run; they are stopped again to rewrite, and all frames are rewritten in that stop or none. The error says
  /// why nothing was done.
  llvm::Expected<RequestOutcome> replace(const Replacement &what) OSR_REQUIRES(engine_lock);

  /// The same, and again for activations that were executing in the code itself, until each is in a call, or too many
  /// stops were made: what is `running` in the outcome is left. Only of use where no call enters the old code any more.
  llvm::Expected<RequestOutcome> replace_until_none_runs(const Replacement &what) OSR_REQUIRES(engine_lock);

  /// Without asking threads to come to their polls, and once: what is executing in the code itself stays.
  llvm::Expected<RequestOutcome> replace_at_once(const Replacement &what) OSR_REQUIRES(engine_lock) {
    return replace_once(what, /*may_ask=*/false);
  }

private:
  /// How often what was tried for one request, and what that cost its threads.
  struct Attempts {
    unsigned stops = 0, rounds = 0, retries = 0, unanswered = 0, waited = 0;
    double longest_pause = 0, longest_poll = 0; ///< seconds
  };
  llvm::Expected<RequestOutcome> replace_once(const Replacement &what, bool may_ask) OSR_REQUIRES(engine_lock);
  llvm::Expected<bool> attempt(RequestSearch &search, Attempts &attempts) OSR_REQUIRES(engine_lock);
  bool make_ways(RequestSearch &search, Attempts &attempts) OSR_REQUIRES(engine_lock);
  void look_up(const Frame &frame, RequestSearch &search) const OSR_REQUIRES(engine_lock);
  void visit(const ProgramThread &thread, RulesFinder &rules, RequestSearch &search) const OSR_REQUIRES(engine_lock);
  void count_hidden(std::uint64_t low, std::uint64_t high, RequestSearch &search) const OSR_REQUIRES(engine_lock);
  std::uint64_t count_at_polls(const RequestSearch &search) const OSR_REQUIRES(engine_lock);
  void consider(const Frame &frame, const ProgramThread &thread, RequestSearch &search) const OSR_REQUIRES(engine_lock);
  llvm::Expected<double> search_and_commit(RequestSearch &search) OSR_REQUIRES(engine_lock);
  void commit(const RequestSearch &search) OSR_REQUIRES(engine_lock);
  std::vector<VersionKey> missing_continuations(const RequestSearch &search) const OSR_REQUIRES(engine_lock);
  void make_stubs(RequestSearch &search) OSR_REQUIRES(engine_lock);
  RequestOutcome report(const RequestSearch &search) const OSR_REQUIRES(engine_lock);

  Handshake &handshake_;
  LoopPolls &polls_;
  VersionMaker &maker_;
  StubFactory &stubs_;
  RegistryLookup lookup_;
  const StubTable &table_;
  FrameRedirector &redirector_;
  CallSites *calls_; ///< redirected direct calls are rewritten when frames are; may be null
};

} // namespace osr
