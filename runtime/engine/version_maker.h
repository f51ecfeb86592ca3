// Compiles versions and stubs, which depend on each other in one direction only:
//
//   version in optimised code ──guards──► stubs in place ──► versions in baseline code, which have no guards
//
// A guard from which an activation could not leave is an assumption that cannot be made: a version is found by nobody before
// the stub of each of its guards is there.
#pragma once

#include "runtime/engine/compile_effort.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/engine/version_store.h"
#include "runtime/events/trace.h"

namespace osr {

/// The parts it is given must outlive it. Example:
///
///     const Version &fib = *cantFail(engine->maker().find_or_compile({id, Tier::Baseline, std::nullopt}));
class VersionMaker {
public:
  VersionMaker(Compiler &compiler, VersionStore &versions, StubFactory &stubs, CompileEffort &effort,
               Statistics &statistics)
      : compiler_(compiler), versions_(versions), stubs_(stubs), effort_(effort), statistics_(statistics) {}

  /// The version, compiled now if it is wanted for the first time. A failure is remembered and returned again.
  llvm::Expected<const Version *> find_or_compile(const VersionKey &key) OSR_REQUIRES(engine_lock);

  /// find_or_compile in two halves, for the optimised tier: in between Compiler::finish does the long part, for which nobody
  /// has to be kept away from the store. Nothing: the version is known already, or its code would count its activations.
  llvm::Expected<std::optional<PendingCompile>> begin(const VersionKey &key) OSR_REQUIRES(engine_lock);
  /// False: what the version rests on has changed meanwhile, and it has to be begun again. A failure is remembered.
  bool install(PendingCompile pending, llvm::Expected<CompiledVersion> compiled) OSR_REQUIRES(engine_lock);

  /// A version that nobody finds yet, whether there is one or not.
  llvm::Expected<std::unique_ptr<Version>> compile_apart(const VersionKey &key) OSR_REQUIRES(engine_lock);

  /// StubFactory::find_or_make, and before that the continuation which a landing in optimised code needs.
  llvm::Expected<const ReturnStub *> find_or_make_stub(const CodeObject &code, std::uint64_t return_pc, Landing landing)
      OSR_REQUIRES(engine_lock);

private:
  llvm::Expected<std::unique_ptr<Version>> admit(llvm::Expected<std::unique_ptr<Version>> made,
                                                 std::optional<SiteId> &dead_end) OSR_REQUIRES(engine_lock);
  std::optional<SiteId> find_dead_end(const Version &version) OSR_REQUIRES(engine_lock);

  Compiler &compiler_;
  VersionStore &versions_;
  StubFactory &stubs_;
  CompileEffort &effort_;
  Statistics &statistics_;
};

} // namespace osr
