// A program that runs for as long as the test process does: the tests are work that its main does through a call of the
// host. There is one runtime in a process, so all tests of one executable share it. Tests are run several times: the
// environment says how calls are made (OSR_TEST_CALLS=slot) and frames redirected (OSR_TEST_REWRITE=return-point).
#pragma once

#include "osr/runtime.h"
#include "runtime/engine/engine.h"
#include "runtime/stack/frame_cursor.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace osr {

class LiveProgram {
public:
  /// `text` is IR; it may call `i64 @host(i64)` and must not define main.
  explicit LiveProgram(const std::string &text, Runtime::Options options = {});

  Runtime &runtime() { return *runtime_; }
  /// Does `work` inside of the program's main, in its thread, and waits for it.
  void inside(std::function<void()> work);
  /// In `inside`: calls a function of the program.
  std::uint64_t call(const std::string &name, std::uint64_t first = 0, std::uint64_t second = 0);
  /// What the program's calls of `host` do; returns what it gets.
  std::function<std::uint64_t(std::uint64_t argument)> on_host;

  /// Frames are redirected by patching the code at their return PCs, which therefore stays until they have left.
  bool patches_code() const { return mechanism_ == Mechanism::ReturnPoint; }
  std::uint64_t code_bytes() const { return runtime_->engine().arena().used_bytes(SlabKind::Code); }
  /// The tiers of the activations on the calling thread's stack, newest first; "-" after it: waits for a transition.
  std::string stack();
  /// Calls visit(frame) for each activation on the calling thread's stack, newest first.
  void walk(RulesFinder &rules, const std::function<void(const Frame &)> &visit);

private:
  void serve();
  static std::uint64_t host(std::uint64_t argument);

  Mechanism mechanism_;
  std::unique_ptr<llvm::LLVMContext> context_;
  std::unique_ptr<Runtime> runtime_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  std::thread thread_;
};

} // namespace osr
