// The runtimes whose programs this process runs: which of them an address belongs to, and what concerns all of them.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <vector>

namespace osr {

struct RuntimeImpl;

/// The runtime whose code or constants are at this address, while its program runs; else null. Lock-free, for calls that come
/// from compiled code: that is on the stack, so the runtime stays.
RuntimeImpl *running_at(std::uint64_t address);

/// Says it to all hosts that listen. False: none does, or who does cannot be known now.
bool tell_hosts(llvm::StringRef message);

/// From here on calls of compiled code come to it.
void add_running(RuntimeImpl &runtime);
/// Without effect if it was not added.
void remove_running(RuntimeImpl &runtime);

/// All of them, which stay so meanwhile.
class RunningRuntimes {
public:
  struct IfFree {};
  RunningRuntimes();
  /// Only if nobody is in the middle of adding or removing one; else it is empty.
  explicit RunningRuntimes(IfFree);
  ~RunningRuntimes();
  RunningRuntimes(const RunningRuntimes &) = delete;
  RunningRuntimes &operator=(const RunningRuntimes &) = delete;
  llvm::ArrayRef<RuntimeImpl *> all() const;

private:
  bool is_locked_;
};

} // namespace osr
