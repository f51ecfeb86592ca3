// Seeded faults: proof that the tests see a wrong frame.
#pragma once

#include "runtime/code/unwind_rows.h"
#include "runtime/stackmap/record.h"

#include <llvm/Support/Error.h>

#include <cstdint>

namespace osr {

/// One thing that is made wrong on purpose, once per run: the `number`th of its kind that a transition is planned from.
struct Fault {
  enum class Kind : std::uint8_t {
    None,
    Record, ///< a record names the wrong place of one value of the old frame
    Slot, ///< two values of a new baseline frame change places
    CalleeSaved, ///< the wrong save slot is read for a register of the old frame's caller
  };
  Kind kind = Kind::None;
  std::uint32_t number = 1;

  /// Reads `record:N`, `slot:N` or `callee-saved:N`, N from 1. The error names what is wrong.
  static llvm::Expected<Fault> parse(llvm::StringRef text);
};

/// Carries out one fault. Each function may change its argument; `seeded` tells whether the fault has happened.
class FaultSeeder {
public:
  explicit FaultSeeder(Fault fault) : fault_(fault) {}

  void on_old_frame(SiteRecord &record, UnwindRow &row);
  void on_landing(SiteRecord &record);
  bool seeded() const { return seeded_; }

private:
  bool strikes(Fault::Kind kind);

  Fault fault_;
  std::uint32_t seen_ = 0;
  bool seeded_ = false;
};

} // namespace osr
