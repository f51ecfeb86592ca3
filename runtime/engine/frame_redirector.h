// How an activation is made to go on in a stub when control returns to it: two mechanisms, one interface.
//
//                        return PC rewriting              return-point patching
//   what is written      the activation's return-PC slot  the code at its return PC
//   concerns             that activation                  every activation at its site, later ones too
//   others meanwhile     may run (one aligned store)      must be stopped
//   idle cost            none                             a nop behind each call
//   under a shadow stack kills the process                works, for one frame at a time
#pragma once

#include "compiler/base/engine_lock.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/stack/return_point.h"
#include "runtime/stack/stub_table.h"
#include "runtime/threads/handshake.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <memory>

namespace osr {

class FrameRedirector {
public:
  virtual ~FrameRedirector() = default;

  /// Whether later activations at the same site go to the stub, too.
  virtual bool concerns_sites() const noexcept = 0;
  /// The stub that the activation will go to; 0: none. Lock-free and allocation-free, like redirect(), release() and
  /// finish().
  virtual std::uint64_t stub_of(const Frame &frame) const noexcept OSR_REQUIRES(engine_lock) = 0;

  /// Memory for redirecting so many activations.
  virtual void reserve(std::size_t count) OSR_REQUIRES(engine_lock) = 0;
  /// False: it goes to this stub already. All other threads of the program are stopped (Requests), or alone() has called
  /// and the activation is one of the calling thread's older ones.
  virtual bool redirect(const Frame &frame, std::uint64_t stub_pc) noexcept OSR_REQUIRES(engine_lock) = 0;
  /// Sites that send whoever returns there to a stub.
  virtual void for_each_patch(llvm::function_ref<void(std::uint64_t return_pc, std::uint64_t stub_pc)> visit) const
      OSR_REQUIRES(engine_lock) = 0;
  /// Which of what was redirected.
  using Wanted = llvm::function_ref<bool(std::uint64_t return_pc, std::uint64_t stub_pc)>;
  /// Patched sites catch activations to come as well: undoes those that are `wanted`. Return PCs that were rewritten are
  /// left alone. Other threads are stopped.
  virtual void release(Wanted wanted) noexcept OSR_REQUIRES(engine_lock) = 0;
  /// Before the threads go on.
  virtual void finish() noexcept OSR_REQUIRES(engine_lock) = 0;

  /// Calls `work`, which may redirect the calling thread's activations; stops the others if it must, then `work` may
  /// not allocate, lock or wait. The error says why they could not be stopped.
  virtual llvm::Error alone(llvm::function_ref<void()> work) OSR_REQUIRES(engine_lock) = 0;
};

std::unique_ptr<FrameRedirector> rewrite_return_pcs(const StubTable &stubs);
/// `handshake` is looked at when threads have to be stopped; it may be made later than this.
std::unique_ptr<FrameRedirector> patch_return_points(ReturnPointTable &points,
                                                     const std::unique_ptr<Handshake> &handshake);

} // namespace osr
