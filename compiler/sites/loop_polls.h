// Loop sites: a loop that makes no calls gets one.
//
//     loop:  ...
//            %word = load volatile i32, ptr addrspace(257) @osr_poll_word      one compare with memory,
//            br i1 (%word != 0), %poll, %on                                    one branch that is not taken
//     poll:  call void @osr_loop_poll()                                        an ordinary call: an ordinary site
//            br %on
//
// The word is the thread's own (fs-relative): who wants frames of one thread replaced asks that thread only.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/Target/TargetMachine.h>

#include <cstdint>

namespace osr {

/// What polls call. The runtime defines it: `void osr_loop_poll(void)`, which changes no memory of the program.
inline constexpr const char *loop_poll_callee = "osr_loop_poll";

inline bool is_loop_site(const Site &site) { return site.callee == loop_poll_callee; }

/// True for the address of the word that polls load.
bool is_poll_word(const llvm::Value &address);

/// Puts polls into all replaceable functions; poll_places.h says where. To be run before the sites are numbered.
void insert_loop_polls(CanonicalProgram &program);

/// Gives @osr_poll_word its place, fs:`tls_offset`. Run it once, after all optimisation.
void lower_poll_word(llvm::Module &module, std::int64_t tls_offset);

} // namespace osr
