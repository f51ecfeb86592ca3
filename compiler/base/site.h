// Sites and frame states: the tier-neutral nouns that cross every boundary. Plain data, no LLVM types.
//
// A *site* is a numbered call of the canonical IR. It is a point where an activation can be replaced: between the
// return of the callee and the next instruction. Its *frame state* is the list of values that are live there, in a
// fixed order with fixed types, without the call's own result (which travels in the return registers).
#pragma once

#include "osr/tier.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// FunctionId: index of a function in CanonicalProgram::functions.
inline constexpr FunctionId no_function = ~FunctionId(0);

/// Names one site of one function, in every tier. Packed form: function in the upper, site in the lower 32 bits;
/// this is operand 0 of the site's "deopt" bundle in the IR.
struct SiteId {
  FunctionId function = 0;
  std::uint32_t index = 0;

  std::uint64_t packed() const { return (std::uint64_t(function) << 32) | index; }
  static SiteId unpack(std::uint64_t bits) { return {FunctionId(bits >> 32), std::uint32_t(bits)}; }
  friend auto operator<=>(const SiteId &, const SiteId &) = default;
};

/// Names one version of one function: all of it, or its continuation at one site.
struct VersionKey {
  FunctionId function = 0;
  Tier tier = Tier::Baseline;
  std::optional<std::uint32_t> continuation_site; ///< Tier::Optimized only
  friend auto operator<=>(const VersionKey &, const VersionKey &) = default;
};

/// One value of a frame state: a blob of `size` bytes, what an LLVM `store` of the value writes.
struct FrameStateValue {
  std::uint32_t size = 0;   ///< store size in bytes
  std::uint32_t align = 1;  ///< alignment in a state buffer, a power of two, at most 16
  std::string type;         ///< LLVM type, for people and for the verifier
  std::string name;         ///< name in the canonical IR, for people
  /// A reference (compiler/sites/references.h): the value of this frame state that is the address of its object; often itself.
  std::optional<std::uint32_t> base;
  unsigned address_space = 0; ///< of a pointer
};

/// Which return registers of the machine may hold the result of a site's call.
struct ResultRegisters {
  bool general = false; ///< of integers and pointers
  std::uint8_t vector_bytes = 0; ///< 0, or the width of the widest vector result register: 16, 32 or 64
  std::uint8_t stacked_floats = 0; ///< number of values on a stack of floating-point registers: 0, 1 or 2
  friend bool operator==(const ResultRegisters &, const ResultRegisters &) = default;
};

/// What the call of a site is.
enum class SiteKind : std::uint8_t {
  Call, ///< of the program
  LoopPoll, ///< of a loop without calls; see compiler/sites/loop_polls.h
  GuardExit, ///< where a guard has failed; see compiler/canonical/exit_calls.h
};

/// Why a site is never replaced.
enum class SiteRefusal : std::uint8_t {
  None,
  ResultInMemory,
  LiveAggregate,
  LiveTile, ///< it lies in a matrix register that belongs to the caller's configuration
};

inline const char *to_string(SiteRefusal refusal) {
  switch (refusal) {
  case SiteRefusal::None: return "";
  case SiteRefusal::ResultInMemory: return "the callee returns its result in memory";
  case SiteRefusal::LiveAggregate: return "an aggregate value is live";
  case SiteRefusal::LiveTile: return "a tile of a matrix register is live";
  }
  return "";
}

/// One value of a point (compiler/canonical/points.h).
struct PointValue {
  enum class Kind : std::uint8_t {
    State, ///< value `index` of the frame state, plus `addend`
    Constant, ///< `constant`
    Symbol, ///< the address of `symbol`, plus `addend`
    Unknown, ///< of a type that is not kept
  };
  Kind kind = Kind::Unknown;
  std::uint32_t index = 0;
  std::uint32_t size = 0; ///< bytes, as FrameStateValue::size
  std::int64_t addend = 0;
  std::uint64_t constant = 0;
  std::string symbol;
  std::string type; ///< LLVM type
};

/// Where the front end is while the call runs.
struct Point {
  std::uint64_t id = 0; ///< the front end's own
  std::vector<PointValue> values; ///< in the front end's order
};

struct Site {
  SiteId id;
  SiteKind kind = SiteKind::Call;
  std::string callee; ///< name of the function called, "" for an indirect call
  std::vector<FrameStateValue> state; ///< in canonical order
  ResultRegisters result;
  std::string result_type; ///< LLVM type of the call's result
  bool result_used = false; ///< the canonical code reads the result
  std::optional<Point> point;
  SiteRefusal refusal = SiteRefusal::None;

  bool is_replaceable() const { return refusal == SiteRefusal::None; }
};

} // namespace osr
