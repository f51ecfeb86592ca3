// Seeded faults: proof that the tests see a wrong frame.
#pragma once

#include "osr/options.h"
#include "runtime/code/unwind_rows.h"
#include "runtime/stackmap/record.h"

#include <cstdint>

namespace osr {

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
