// What happened in one run, as counters and as JSON.
#pragma once

#include "osr/tier.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace osr {

/// Memory mappings of the process: proof that no page is writable and executable.
struct MappingCount {
  std::uint64_t total = 0; ///< 0: they could not be read
  std::uint64_t writable_and_executable = 0;
};

/// Counters of one run, guarded by the runtime's lock. Compiled stubs increment those of executed transitions without
/// it: with several threads an increment may get lost.
struct Statistics {
  struct Transitions {
    std::uint64_t in_place = 0;     ///< executed: landed in a baseline frame
    std::uint64_t continuation = 0; ///< executed: went on in a continuation
    std::uint64_t split = 0;        ///< executed: one frame became several (also counted above)
    std::map<std::string, std::uint64_t> refused; ///< by reason, when a return was about to be rewritten
  };
  struct Compile {
    std::uint64_t count = 0;
    std::uint64_t from_cache = 0; ///< of these: LLVM generated their code before (osr/compile_cache.h)
    double seconds = 0;
    std::uint64_t code_bytes = 0;
    std::uint64_t map_bytes_raw = 0;
    std::uint64_t map_bytes_compact = 0;
    std::uint64_t sites = 0;                      ///< records emitted
    std::uint64_t certified = 0;                  ///< of baseline records
    std::uint64_t spilled = 0;                    ///< records that needed slots of their own to be anchored
    std::map<std::string, std::uint64_t> refused; ///< sites without a record in some version, by reason
  };

  struct Requests {
    std::uint64_t count = 0;
    std::uint64_t met = 0;       ///< of these: found activations that were not at the wanted code yet
    std::uint64_t rewritten = 0; ///< activations
    std::uint64_t at_polls = 0;  ///< of these: in the polls of loops
    std::uint64_t already = 0;   ///< activations that an earlier request had rewritten
    std::uint64_t running = 0;   ///< activations that were not in a call
    std::uint64_t followed = 0;  ///< of the rewritten ones: left old code later than the request that wanted it
    std::uint64_t stops = 0;
    double longest_pause = 0; ///< seconds
    double longest_poll = 0;  ///< seconds that threads may have waited in polls
    std::map<std::string, std::uint64_t> refused; ///< activations and whole requests, by reason
  };

  struct Freed {
    std::uint64_t objects = 0;    ///< code given back while the program ran
    std::uint64_t code_bytes = 0;
    std::uint64_t stubs = 0;
    std::uint64_t scans = 0;      ///< stops that looked for evidence
    std::uint64_t waiting = 0;    ///< objects out of use whose code some activation still needs
    bool any() const { return objects + stubs != 0; }
  };

  /// Direct calls only.
  struct Calls {
    std::uint64_t sites = 0;     ///< branches to functions of the program, in code that exists
    std::uint64_t bound = 0;     ///< of these, lead to code and not to an entry
    std::uint64_t rewritten = 0; ///< how often a site was rewritten
    std::uint64_t stops = 0;     ///< of all threads, for that alone
  };

  /// Return-point patching only.
  struct ReturnPoints {
    std::uint64_t patched = 0; ///< sites that are patched now
    std::uint64_t patches = 0;
    std::uint64_t restored = 0;
  };

  struct Exceptions {
    std::uint64_t unwound = 0;       ///< steps of an unwinder out of frames that waited for a transition
    std::uint64_t landed_in_new = 0; ///< such frames in which an exception landed after it was replaced
    std::uint64_t landed_in_old = 0; ///< before: in old code, which is replaced at the next site
  };
  struct Guards {
    std::uint64_t sites = 0;       ///< of functions of which code was made, or that were looked at
    std::uint64_t failed = 0;      ///< activations that left optimised code
    std::uint64_t dropped = 0;     ///< assumptions that failed too often
    std::uint64_t invalidated = 0; ///< versions that went out of use for that
    std::map<std::string, std::uint64_t> exits;   ///< activations, by site and reason
    std::map<std::string, std::uint64_t> refused; ///< assumptions that were not made, by reason
  };

  /// What optimised code was made for because baseline code had counted it; by version.
  struct Speculation {
    bool is_on = false;
    std::uint64_t branches = 0;     ///< sides of branches that were given up
    std::uint64_t single_calls = 0; ///< calls by pointer with one target, any other of which leaves
    std::uint64_t tested_calls = 0; ///< calls by pointer that ask for their frequent targets
    std::uint64_t inlined = 0;      ///< targets
    std::uint64_t failed = 0;       ///< activations that left because a guess was wrong; part of guards.failed
  };

  /// Under a policy only.
  struct TierUp {
    bool is_on = false;
    std::set<FunctionId> functions; ///< optimised because the policy wanted it
    std::uint64_t by_entry = 0, by_loop = 0, by_sampler = 0; ///< of these, how they were first noticed
    std::uint64_t requests = 0; ///< more than functions: activations that stay are asked for again
    std::uint64_t moved = 0;    ///< activations that went on in optimised code
    std::uint64_t at_polls = 0; ///< of these, in loops without calls
    std::uint64_t left = 0;     ///< activations that were executing in the code itself, and stayed for the time being
    std::uint64_t samples = 0;  ///< looks at the stacks
    std::uint64_t most_waiting = 0; ///< in the queue
    std::uint64_t dropped = 0;      ///< because it was full
    std::uint64_t unfinished = 0;   ///< being worked on when these statistics were taken
    double seconds = 0;             ///< from the queue to the end of the request, waiting for locks included
    std::map<std::string, std::uint64_t> failed; ///< by reason
  };

  MappingCount mappings; ///< of the process, when these statistics were taken

  Transitions transitions;
  Exceptions exceptions;
  Calls calls;
  TierUp tier_up;
  ReturnPoints return_points;
  Requests requests;
  Freed freed;
  Guards guards;
  Speculation speculation;
  std::uint64_t redefined = 0; ///< functions that got a new body
  std::uint64_t most_threads = 0; ///< of the program, at once
  std::map<std::string, Compile> compile; ///< "baseline", "optimized", "continuation"
  std::uint64_t frames_rewritten = 0;
  std::uint64_t polls_flipped = 0; ///< frames that a stress mode sent elsewhere from the poll of a loop
  std::uint64_t frames_walked = 0;
  std::uint64_t walks = 0;
  std::uint64_t walks_failed = 0;
  std::uint64_t stubs = 0;
  std::uint64_t stub_bytes = 0;
  std::uint64_t max_stack_depth = 0;              ///< frames seen by the longest walk
  std::uint64_t sites_total = 0;                  ///< of functions of which code was made, or that were looked at
  std::uint64_t loop_sites = 0;                   ///< of these: polls of loops
  std::map<std::string, std::uint64_t> sites_refused;    ///< by reason; of sites_total
  std::map<std::string, std::uint64_t> functions_pinned; ///< by reason
  /// Functions whose calls enter the baseline tier because their optimised code was refused, by reason.
  std::map<std::string, std::uint64_t> functions_not_optimized;
  std::uint64_t functions_total = 0;
  bool fault_seeded = false; ///< the fault that was asked for has been put into a transition
  std::chrono::steady_clock::time_point program_start{}; ///< when main was entered

  double compile_seconds() const;

  /// An object as text, indented; with the seconds since main was entered, compile time of that phase included.
  std::string to_json() const;
};

} // namespace osr
