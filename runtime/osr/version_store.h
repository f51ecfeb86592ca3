// All compiled versions of a program's functions: compiled on request, linked, registered, cached.
#pragma once

#include "compiler/codegen/compiler.h"
#include "runtime/code/code_registry.h"
#include "runtime/code/code_session.h"
#include "runtime/code/debugger.h"
#include "runtime/osr/statistics.h"

#include <llvm/Support/Error.h>

#include <map>
#include <memory>
#include <vector>

namespace osr {

/// A registered version. Immutable while it exists.
struct Version {
  CodeObject object;
  DebuggerRegistration debugger;
  std::vector<std::uint32_t> return_pc_offsets; ///< baseline: by site index, 0 where there is no record

  /// Baseline: the return PC of a site, 0 if it has no record.
  std::uint64_t return_pc(std::uint32_t site) const;
};

/// Not thread-safe. The parts it is given must outlive it.
class VersionStore {
public:
  VersionStore(Compiler &compiler, CodeSession &session, CodeRegistry &registry, Statistics &statistics)
      : compiler_(compiler), session_(session), registry_(registry), statistics_(statistics) {}
  ~VersionStore();

  /// The version, compiled now if it is wanted for the first time. A failure is remembered and returned again.
  llvm::Expected<const Version *> find_or_compile(const VersionKey &key);

  /// Registers code of the program that is no version of a function: module-level assembly. It has no sites.
  llvm::Error add_foreign(LinkedObject linked);

  /// The version that an activation's code belongs to; null for foreign objects.
  const Version *find(const CodeObject &object) const;

  /// Return PCs at which a frame of another function holds an inlined frame of this one.
  llvm::ArrayRef<std::uint64_t> inlined_at(FunctionId function) const;

  const CanonicalProgram &program() const { return compiler_.program(); }

private:
  llvm::Expected<std::unique_ptr<Version>> make(const VersionKey &key);
  llvm::Error fill(Version &version, const CompiledVersion &compiled);
  llvm::Error describe_code(Version &version);
  void count(const CompiledVersion &compiled, const Version &version);

  Compiler &compiler_;
  CodeSession &session_;
  CodeRegistry &registry_;
  Statistics &statistics_;
  std::map<VersionKey, std::unique_ptr<Version>> versions_;
  std::map<VersionKey, std::string> failures_;
  std::map<FunctionId, std::vector<std::uint64_t>> inlined_at_;
  std::vector<std::unique_ptr<Version>> foreign_;
  CodeObjectId next_id_ = 1;
};

} // namespace osr
