// Return-point patching: the second way to send activations into a stub. The return PC on the stack stays; the code that
// it points to is overwritten by a jump to the stub.
//
//   compiled         call g                       patched        call g
//                    nopl 8(%rax,%rax)  <- return PC             jmp stub      the stub finds the same registers and stack
//                    ...                                         ...           as if g had returned to it directly
//
// This serves where a shadow stack holds a second copy of return PCs, which nobody can rewrite. It concerns a *site*, not
// an activation: all activations that return there go to the stub, those that are called later too, until the site is
// restored. The code says itself whether a site is patched, so asking needs no table and no lock.
//
// The nop is as long as the jump, follows its call in the same block, and so can be reached by a return only; whoever
// is stopped at the return PC has just returned, and goes to the stub as well when he continues. Nobody can be stopped in
// the middle. How the bytes are changed safely is described in runtime/code/code_patcher.h.
#pragma once

#include "compiler/base/engine_lock.h"
#include "runtime/code/code_patcher.h"
#include "runtime/code/code_session.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace osr {

/// All patched sites of a program. Objects that are unloaded take their sites with them. patch() and restore functions need all other threads of the program stopped,
/// and finish() before these go on; they are allocation-free.
class ReturnPointTable final : public LinkObserver {
public:
  explicit ReturnPointTable(const CodePatcher &patcher) : patcher_(patcher) {}

  llvm::Error on_link(const LinkedObject &) override OSR_REQUIRES(engine_lock) { return llvm::Error::success(); }
  void on_unload(const LinkedObject &object) override OSR_REQUIRES(engine_lock);

  /// Where control goes when it returns to the site at `return_pc`; 0: on in its own code. Async-signal-safe.
  static std::uintptr_t stub_at(std::uintptr_t return_pc);

  /// Memory for so many further patches.
  void reserve(std::size_t count) OSR_REQUIRES(engine_lock) { patched_.reserve(patched_.size() + count); }
  /// A site that leads to another stub then leads to this one. False: it did so already. Code without the nop at `return_pc` is
  /// a bug (OSR_CHECK).
  bool patch(std::uintptr_t return_pc, std::uintptr_t stub_pc) noexcept OSR_REQUIRES(engine_lock);
  /// All patched sites.
  void for_each(llvm::function_ref<void(std::uintptr_t return_pc, std::uintptr_t stub_pc)> visit) const
      OSR_REQUIRES(engine_lock);
  /// Puts the nop back at all patched sites for which `wanted(return PC, stub)` holds.
  void restore_if(llvm::function_ref<bool(std::uintptr_t, std::uintptr_t)> wanted) noexcept OSR_REQUIRES(engine_lock);
  /// Makes the changes visible to all threads.
  void finish() noexcept OSR_REQUIRES(engine_lock);

  std::size_t size() const OSR_REQUIRES(engine_lock) { return patched_.size(); }
  std::uint64_t patches() const OSR_REQUIRES(engine_lock) { return patches_; }
  std::uint64_t restored() const OSR_REQUIRES(engine_lock) { return restored_; }

private:
  CodePatcher patcher_;
  std::vector<std::uintptr_t> patched_ OSR_GUARDED_BY(engine_lock);
  std::uint64_t patches_ OSR_GUARDED_BY(engine_lock) = 0, restored_ OSR_GUARDED_BY(engine_lock) = 0;
  bool changed_ OSR_GUARDED_BY(engine_lock) = false;
};

} // namespace osr
