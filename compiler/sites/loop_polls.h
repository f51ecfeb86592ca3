// Loop sites: a loop that makes no calls gets one.
//
//     loop:  ...
//            %word = load volatile i32, ptr addrspace(257) @osr-poll-word      one compare with memory,
//            br i1 (%word != 0), %poll, %on                                    one branch that is not taken
//     poll:  call void @osr-loop-poll()                                        an ordinary call: an ordinary site
//            br %on
//
// The word is the thread's own (fs-relative): who wants frames of one thread replaced asks that thread only.
//
// Where code tiers up by itself, baseline code polls in each round of all other loops, too: a thread is seldom stopped
// just while a short call waits, and an activation that counts (count_heat.h) can leave where it noticed. Such a poll is a
// site like any other, which optimised code does without.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/sites/poll_places.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Instructions.h>

#include <cstdint>

namespace osr {

/// What polls call. The runtime defines it: `void osr-loop-poll(void)`, which changes no memory of the program.
inline constexpr const char *loop_poll_callee = "osr-loop-poll";

inline bool is_loop_site(const Site &site) { return site.kind == SiteKind::LoopPoll; }

/// True for the call that a poll makes when it is asked to.
bool is_loop_poll(const llvm::CallBase &call);

/// True for the address of the word that polls load, also those of baseline code only.
bool is_poll_word(const llvm::Value &address);

/// The loads of that word.
llvm::SmallVector<llvm::LoadInst *, 8> polls_of(llvm::Function &function);

/// Puts polls into a replaceable function; poll_places.h says where. To be run before its sites are numbered, and when the
/// recursive calls of the module are marked (recursive_calls.h). `calls` has seen no other module's.
void insert_loop_polls(llvm::Function &function, InlinedCalls &calls);

/// Polls of all tiers where there are none yet: in each loop, and at the beginning of a function that calls something. So a
/// thread comes to a poll after some rounds or calls, whatever it does.
void insert_polls_everywhere(llvm::Function &function);

/// The polls of baseline code only, where there are none yet. To be run last, before the sites are numbered: all others keep
/// their numbers.
void insert_baseline_polls(llvm::Function &function);

/// Takes them out of code that is about to be optimised.
void drop_baseline_polls(llvm::Module &module);

/// Gives the word its place, `tls_offset` from the thread pointer. Run it once, after all optimisation.
void lower_poll_word(llvm::Module &module, std::int64_t tls_offset);

} // namespace osr
