// The part of the compiler that gives functions their sites: all of them to a function at once, when something is first made of
// it. docs/architecture/canonical-form.md says why then.
#include "compiler/canonical/check_canonical.h"
#include "compiler/codegen/compiler.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/profile_points.h"
#include "compiler/sites/recursive_calls.h"
#include "compiler/tiers/inline_candidates.h"

using namespace llvm;

namespace osr {

/// Whether a loop polls depends on that.
void Compiler::keep_recursive_calls(Module &module) const {
  if (options_.poll_word_offset)
    osr::keep_recursive_calls(module);
}

/// Those that are no calls of the program.
void Compiler::insert_own_sites(Function &function, FunctionInfo &info, InlinedCalls &calls) const {
  if (info.pinned != PinReason::None)
    return;
  if (options_.poll_word_offset)
    insert_loop_polls(function, calls);
  if (profile_)
    info.profile_points = insert_profile_points(function);
  if (options_.poll_word_offset && !options_.reference_spaces.empty())
    insert_polls_everywhere(function);
  if (options_.poll_word_offset && options_.baseline_polls_everywhere)
    insert_baseline_polls(function);
}

/// Of functions that are to become a part of the program.
void Compiler::insert_own_sites(CanonicalProgram &program) const {
  keep_recursive_calls(*program.module);
  InlinedCalls calls;
  for (FunctionInfo &info : program.functions) {
    Function &function = *program.module->getFunction(info.name);
    calls.remember_size(function);
    insert_own_sites(function, info, calls);
  }
}

void Compiler::number_sites(Function &function, FunctionInfo &info) const {
  osr::number_sites(function, info, optimizing_->machine(), options_.reference_spaces);
  if (!options_.sites)
    strip_frame_states(function);
}

bool Compiler::number(FunctionId id) {
  FunctionInfo &info = program_.functions[id];
  if (info.is_numbered())
    return false;
  Function &function = canonical(id);
  if (program_.debug == DebugInformation::Lines) // else no code is made of it
    check_canonical(function, info);
  inlined_calls_.remember_size(function);
  insert_own_sites(function, info, inlined_calls_);
  number_sites(function, info);
  return true;
}

void Compiler::number_all() {
  for (const FunctionInfo &info : program_.functions)
    if (functions_[info.id]) // others are ids that wait to be used again
      number(info.id);
}

/// Sites change how large a callee is.
SmallSetVector<const Function *, 16> Compiler::numbered_candidates(FunctionId function) {
  number(function);
  for (;;) {
    SmallSetVector<const Function *, 16> candidates = inline_candidates(canonical(function), profile_.get());
    bool is_new = false;
    for (const Function *callee : candidates)
      is_new |= number(function_id(*callee));
    if (!is_new)
      return candidates;
  }
}

} // namespace osr
