// Which loops of canonical code need a poll, so that an activation inside them comes to a site before long.
//
//   loop                                                                    poll
//   ----                                                                    ----
//   calls something with a site in each iteration, which is not inlined     no: that call is the site
//   counted: innermost, a bound on its trip count is known on entry         no: it ends by itself and may be vectorised
//   a nest of few iterations in all, known at compile time                  no: it is about to be unrolled
//   the loop of an interpreter: its header is a computed goto               at the end of each round that has no site
//   any other, also the loop around counted ones, and irreducible cycles    yes
//
// One poll for all rounds of an interpreter would be one block that all its instructions go through to the next one.
// A loop around others is never vectorised, so its poll costs what one instruction in many costs, and it bounds the time
// until an activation in a nest of counted loops can be replaced by the time of one inner loop.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace osr {

/// Callees with more instructions are never inlined at O2.
inline constexpr unsigned max_inlined_instructions = 250;

/// Looks no further than it has to: it is asked for each call.
bool may_fit_inline(const llvm::Function &function);

bool has_cycle(const llvm::Function &function);

/// What becomes of calls when the optimiser inlines. For the functions of one module.
class InlinedCalls {
public:
  /// Every way through the call comes to a site, in whatever code is made of it.
  bool always_has_site(const llvm::CallBase &call);
  /// A body that is put in place of the call may bring a loop.
  bool may_bring_loop(const llvm::CallBase &call);
  /// Polls are about to come into that function. What it is without them is what counts, in whatever order functions get
  /// theirs.
  void remember_size(const llvm::Function &function);

private:
  struct Facts {
    bool always_has_site = false; ///< while the function is looked at, and for recursion: what is the safe side
    bool may_loop = true;
  };
  const Facts &facts(const llvm::Function &function);
  /// Null: a call it remains.
  const llvm::Function *inlinable_callee(const llvm::CallBase &call);
  bool may_be_inlined(const llvm::Function &callee);

  llvm::DenseMap<const llvm::Function *, Facts> known_;
  llvm::DenseMap<const llvm::Function *, bool> may_be_inlined_;
};

struct PollPlaces {
  std::vector<llvm::Loop *> loops; ///< owned by the LoopInfo that was given
  std::vector<std::pair<llvm::BasicBlock *, llvm::BasicBlock *>> ends_of_rounds; ///< around computed gotos: from, to
  std::vector<llvm::BasicBlock *> headers; ///< one block of each irreducible cycle
};

PollPlaces find_poll_places(llvm::Function &function, llvm::LoopInfo &loops, llvm::ScalarEvolution &counts,
                            InlinedCalls &calls);

} // namespace osr
