// A set of signals of the program's, less the stop signal, as the kernel gets it.
#pragma once

#include "runtime/process/program_memory.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/interrupted_call.h"

#include <csignal>
#include <cstring>
#include <optional>

namespace osr {

/// Of a set that may be absent, or at an address from which the kernel cannot read either: that is handed on as it is.
class KeptSet {
public:
  explicit KeptSet(const sigset_t *set) : address_(set) {
    const auto found = set ? read_if_readable<KernelMask>(set) : std::nullopt;
    if (!found)
      return;
    const KernelMask kept = *found & ~stop_mask();
    std::memcpy(&kept_, &kept, sizeof kept);
    address_ = &kept_;
  }
  KeptSet(const KeptSet &) = delete;
  KeptSet &operator=(const KeptSet &) = delete;

  const sigset_t *address() const { return address_; }
  /// What the kernel reads there, and what the C library hands on to it.
  static constexpr std::size_t size = sizeof(KernelMask);

private:
  static KernelMask stop_mask() { return stop_signal() == 0 ? 0 : mask_of(stop_signal()); }

  const sigset_t *address_;
  sigset_t kept_{}; ///< whole: a sanitizer in front of the library looks at more of it than the kernel
};

} // namespace osr
