// What the tests of compiler/sites and compiler/tiers share: text in, canonical program with numbered sites out.
#pragma once

#include "canonical_fixture.h"
#include "compiler/sites/number_sites.h"

#include <string>
#include <vector>

namespace osr {

/// A canonical program whose sites are numbered, and ways to find things in it.
class NumberedProgram {
public:
  explicit NumberedProgram(const std::string &text);

  CanonicalProgram &program() { return program_; }
  llvm::Module &module() { return *program_.module; }
  llvm::LLVMContext &context() { return fixture_.context(); }
  llvm::TargetMachine &machine() { return fixture_.machine(); }
  void optimize() { fixture_.optimize(module()); }

  llvm::Function &function(llvm::StringRef name);
  const FunctionInfo &info(llvm::StringRef name);
  const Site &site(llvm::StringRef function, std::uint32_t index);
  /// The call that is this site in the canonical function.
  llvm::CallBase &call(llvm::StringRef function, std::uint32_t index);

private:
  CanonicalFixture fixture_;
  CanonicalProgram program_;
};

/// In all functions of a program.
void number_sites(CanonicalProgram &program, const llvm::TargetMachine &machine);
/// In all replaceable functions of a program whose sites are not numbered.
void insert_loop_polls(CanonicalProgram &program);
void insert_baseline_polls(CanonicalProgram &program);
void insert_profile_points(CanonicalProgram &program);

/// All calls of `function` that carry a frame state.
std::vector<llvm::CallBase *> calls_with_state(llvm::Function &function);

/// The stack maps that stand for sites in a lowered function.
std::vector<llvm::CallInst *> stack_maps(llvm::Function &function);

/// The operands of a call's "deopt" bundle, site number first.
std::vector<llvm::Value *> bundle_operands(const llvm::CallBase &call);

/// Replaces the bundle of `call`; returns the new call.
llvm::CallBase &set_bundle(llvm::CallBase &call, const std::vector<llvm::Value *> &operands);

/// Names of the values of a site's frame state, in order.
std::vector<std::string> state_names(const Site &site);

/// Requires that LLVM's verifier accepts the module.
void require_valid(const llvm::Module &module);

} // namespace osr
