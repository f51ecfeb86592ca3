// The working memory of one request.
#pragma once

#include "compiler/base/error_code.h"
#include "runtime/requests/requests.h"
#include "runtime/requests/sought_code.h"

#include <llvm/ADT/STLExtras.h>

#include <map>
#include <new>
#include <vector>

namespace osr {

/// What one stop looks for and finds. Filled while threads are stopped, so all memory is taken before.
struct RequestSearch : SoughtCode {
  struct Place {
    const CodeObject *code;
    std::uint64_t return_pc;
  };
  struct Found {
    Frame frame;
    std::uint64_t stub_pc;
  };

  /// About a site.
  struct Known {
    const ReturnStub *stub;
    bool is_refused;
  };

  RequestSearch(const Replacement &replacement, FrameRedirector &frames)
      : SoughtCode(replacement.sites), what(replacement), redirector(frames) {
    objects.insert(what.objects.begin(), what.objects.end());
  }

  const Replacement &what;
  FrameRedirector &redirector;
  std::map<SiteKey, Refusal> skipped; ///< sites that this request leaves alone, and why
  std::vector<Found> found;
  std::vector<Place> missing; ///< sites for which a stub has to be made first
  std::vector<Place> refused; ///< one for each activation that gets no stub
  std::vector<const ProgramThread *> at_loops; ///< may come to a poll and should
  Place last{};                                ///< that was looked up
  Known last_known{};
  bool may_ask = true;                         ///< they are worth waiting for
  bool asked = false;
  bool is_full = false;
  WalkStatus failure = WalkStatus::ReachedBase;
  pid_t failed_thread = 0;
  std::uint64_t already = 0, running = 0, released = 0, no_room = 0, no_record = 0, pending = 0, hidden = 0;
  bool is_last_try = false; ///< what cannot be walked now will never be

  /// Activations at this return PC are in code that the request leads to.
  bool stays(std::uint64_t return_pc, const CodeObject *code) const {
    return code && code->state() == CodeState::InUse &&
           (llvm::is_contained(what.stays, code) ||
            llvm::is_contained(what.sites_that_stay, site_key(*code, return_pc)));
  }

  /// Called while threads run.
  llvm::Error reserve(std::size_t count) OSR_REQUIRES(engine_lock) {
    try {
      found.reserve(count);
      missing.reserve(count);
      refused.reserve(count);
      redirector.reserve(count);
      at_loops.reserve(count);
      return llvm::Error::success();
    } catch (const std::bad_alloc &) {
      return make_error(ErrorCode::NoMemory,
                        "there is no memory for a list of {} activations; raise the limit (ulimit -v)", count);
    }
  }

  void reset() {
    found.clear();
    missing.clear();
    refused.clear();
    at_loops.clear();
    last = {};
    asked = false;
    is_full = false;
    failure = WalkStatus::ReachedBase;
    already = running = released = no_room = no_record = pending = hidden = 0;
  }

  template <typename T> void push(std::vector<T> &list, const T &value) {
    if (list.size() == list.capacity())
      is_full = true;
    else
      list.push_back(value);
  }

  bool is_complete() const { return failure == WalkStatus::ReachedBase && !is_full && missing.empty(); }
  bool is_to_ask() const { return is_complete() && may_ask && !at_loops.empty(); }
};

} // namespace osr
