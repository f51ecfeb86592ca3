#include "runtime/engine/frame_redirector.h"

#include "compiler/base/error.h"
#include "runtime/stack/return_pc.h"
#include "runtime/threads/undisturbed.h"

using namespace llvm;

namespace osr {
namespace {

class ReturnPcRewriter final : public FrameRedirector {
public:
  explicit ReturnPcRewriter(const StubTable &stubs) : stubs_(stubs) {}

  bool concerns_sites() const noexcept override { return false; }
  std::uint64_t stub_of(const Frame &frame) const noexcept override { return frame.stub_pc; }
  void reserve(std::size_t) override {}
  bool redirect(const Frame &frame, std::uint64_t stub_pc) noexcept override {
    return ReturnPc(frame, stubs_).rewrite(stub_pc);
  }
  void for_each_patch(function_ref<void(std::uint64_t, std::uint64_t)>) const override {}
  void release(Wanted) noexcept override {}
  void finish() noexcept override {}
  Error alone(function_ref<void()> work) override {
    work();
    return Error::success();
  }

private:
  const StubTable &stubs_;
};

class ReturnPointPatcher final : public FrameRedirector {
public:
  ReturnPointPatcher(ReturnPointTable &points, const std::unique_ptr<Handshake> &handshake)
      : points_(points), handshake_(handshake) {}

  bool concerns_sites() const noexcept override { return true; }
  std::uint64_t stub_of(const Frame &frame) const noexcept override {
    return frame.is_site ? ReturnPointTable::stub_at(frame.pc) : 0;
  }
  void reserve(std::size_t count) override OSR_REQUIRES(engine_lock) { points_.reserve(count); }
  bool redirect(const Frame &frame, std::uint64_t stub_pc) noexcept override OSR_REQUIRES(engine_lock) {
    return points_.patch(frame.pc, stub_pc);
  }
  void for_each_patch(function_ref<void(std::uint64_t, std::uint64_t)> visit) const override OSR_REQUIRES(engine_lock) {
    points_.for_each(visit);
  }
  void release(Wanted wanted) noexcept override OSR_REQUIRES(engine_lock) { points_.restore_if(wanted); }
  void finish() noexcept override OSR_REQUIRES(engine_lock) { points_.finish(); }

  /// A thread that does not stop makes each attempt take seconds: after a few there is no other.
  Error alone(function_ref<void()> work) override OSR_REQUIRES(engine_lock) {
    if (!handshake_ || failures_ == most_failures)
      return make_error("other threads cannot be stopped to patch return points");
    Undisturbed undisturbed;
    Error error = handshake_->with_stopped([&](auto) OSR_REQUIRES(engine_lock) {
      work();
      finish();
    });
    if (error)
      ++failures_;
    return error;
  }

private:
  static constexpr unsigned most_failures = 3;

  ReturnPointTable &points_;
  const std::unique_ptr<Handshake> &handshake_;
  unsigned failures_ = 0;
};

} // namespace

std::unique_ptr<FrameRedirector> rewrite_return_pcs(const StubTable &stubs) {
  return std::make_unique<ReturnPcRewriter>(stubs);
}

std::unique_ptr<FrameRedirector> patch_return_points(ReturnPointTable &points,
                                                     const std::unique_ptr<Handshake> &handshake) {
  return std::make_unique<ReturnPointPatcher>(points, handshake);
}

} // namespace osr
