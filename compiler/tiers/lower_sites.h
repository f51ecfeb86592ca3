// Lowers the sites of optimised code: frame states become stack maps.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/tiers/lowered_record.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace osr {

/// How one lowered call carries its frame state to the machine code.
enum class SiteForm : std::uint8_t {
  StackMap,   ///< llvm.experimental.stackmap behind the call, anchored by a machine pass
  Spilled,    ///< the same, with all values in slots of their own: dearer, but nothing can stand in anchoring's way
  TailCall,   ///< the call is the function's last act and leaves no frame: no record
  Refused,    ///< no record: the frame cannot be replaced while this call runs
};

/// Forms that an earlier attempt to compile the function found necessary, by record number.
using SiteForms = std::map<std::uint32_t, SiteForm>;

/// One stack map operand of the function: its record and its place there.
using OperandId = std::pair<std::uint32_t, std::uint32_t>;

/// What earlier attempts to compile the function found necessary.
struct ForcedForms {
  SiteForms sites;
  std::set<OperandId> in_slots; ///< operands whose values have slots of their own
};

struct LoweredSites {
  std::vector<LoweredRecord> records; ///< index = record number = stack map id; calls are numbered in function order
  std::vector<SiteForm> forms;        ///< parallel to records
  std::map<std::uint32_t, std::string>
      hidden; ///< records that are refused because stores may have moved across, and why
  std::vector<SiteId> refused_exits;  ///< failed guards that cannot leave, since they have no record
  /// Parallel to records: which value each stack map operand records, as a number of this lowering's own.
  std::vector<std::vector<std::uint32_t>> operands;

  /// Every operand that records the same value as `operand`.
  std::vector<OperandId> operands_like(OperandId operand) const;
};

/// Replaces every frame state of `function` (optimised, bundles still on the calls) by its lowered form. The number of
/// a call does not depend on `forced`, so a function can be lowered again from the same IR with other forms.
llvm::Expected<LoweredSites> lower_sites(llvm::Function &function, const CanonicalProgram &program,
                                         const ForcedForms &forced);

/// Replaces `call` by the same call without its "deopt" bundle, never to be a tail call.
llvm::CallBase *strip_bundle(llvm::CallBase &call);

/// Puts a stack map with id `number` directly behind `call` and marks both as belonging together.
llvm::Instruction *emit_stack_map_call(llvm::CallBase &call, std::uint32_t number,
                                       llvm::ArrayRef<llvm::Value *> operands);

/// The mark that ties a call's machine instruction to its record: !heapallocsite is the one metadata that instruction
/// selection carries over to call instructions without any effect of its own (it is CodeView's, and we emit none).
inline constexpr const char *record_mark = "heapallocsite";

} // namespace osr
