#include "runtime/redefine/hooks.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "osr-stubs/cancellation.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/SourceMgr.h>

#include <bits/cxxabi_forced.h>
#include <csignal>
#include <exception>
#include <memory>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::milliseconds hook_pause(20); ///< between two looks at whether the caller was cancelled

/// One call, on both sides. Whoever comes last frees it.
class HookCall {
public:
  enum class End : std::uint8_t { None, Returned, Threw, LeftThread, NoThread };
  HookCall(std::uint64_t address, bool returns_value) : address_(address), returns_value_(returns_value) {}

  int run() const {
    if (returns_value_)
      return reinterpret_cast<int (*)()>(address_)();
    reinterpret_cast<void (*)()>(address_)();
    return 0;
  }
  /// In the hook's thread. In the child of a fork, which goes on in there, nobody waits.
  void end(End end, int value, std::string text) {
    if (::getpid() != process_)
      return;
    Lock lock(mutex_);
    end_ = end;
    value_ = value;
    text_ = std::move(text);
    changed_.notify_all();
  }
  /// False: not by then.
  bool has_ended_by(Condition::Time time) {
    Lock lock(mutex_);
    while (end_ == End::None)
      if (!changed_.wait_until(lock, time))
        return end_ != End::None;
    return true;
  }
  Expected<std::optional<int>> result(const std::string &name) {
    Lock lock(mutex_);
    switch (end_) {
    case End::Returned: return returns_value_ ? std::optional(value_) : std::nullopt;
    case End::Threw: return make_error("the hook '{}' threw an exception{}", name, text_.empty() ? "" : ": " + text_);
    case End::LeftThread: return make_error("the hook '{}' ended its thread, and has not returned", name);
    case End::NoThread: return make_error("there is no thread for the hook '{}': {}", name, text_);
    case End::None: return make_error("the hook '{}' has not returned in time, and goes on", name);
    }
    return std::nullopt;
  }

private:
  const pid_t process_ = ::getpid();
  const std::uint64_t address_;
  const bool returns_value_;
  Mutex mutex_;
  Condition changed_;
  End end_ OSR_GUARDED_BY(mutex_) = End::None;
  int value_ OSR_GUARDED_BY(mutex_) = 0;
  std::string text_ OSR_GUARDED_BY(mutex_);
};

/// Says how the function has ended, also where the thread is unwound.
struct HookEnding {
  std::shared_ptr<HookCall> call;
  HookCall::End end = HookCall::End::LeftThread;
  int value = 0;
  std::string text = {};
  ~HookEnding() {
    defer_cancellation();
    call->end(end, value, std::move(text));
  }
};

/// What the function does wrong finds the program's handler, as in any other thread. All other signals are for threads that the program knows of.
void let_faults_come() {
  sigset_t faults;
  sigemptyset(&faults);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS})
    sigaddset(&faults, fault);
  pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
}

void *run_hook(void *argument) {
  std::unique_ptr<std::shared_ptr<HookCall>> given(static_cast<std::shared_ptr<HookCall> *>(argument));
  HookEnding ending{std::move(*given)};
  given.reset();
  let_faults_come();
  try {
    ending.value = ending.call->run();
    ending.end = HookCall::End::Returned;
  } catch (const __cxxabiv1::__forced_unwind &) {
    throw;
  } catch (const std::exception &error) {
    ending.end = HookCall::End::Threw;
    ending.text = error.what();
  } catch (...) {
    ending.end = HookCall::End::Threw;
  }
  return nullptr;
}

/// As the program would.
void start_hook_thread(const std::shared_ptr<HookCall> &call) {
  auto given = std::make_unique<std::shared_ptr<HookCall>>(call);
  pthread_t thread{};
  if (const int error = start_thread(&thread, nullptr, run_hook, given.get())) {
    call->end(HookCall::End::NoThread, 0, sys::StrError(error));
    return;
  }
  (void)given.release();
  pthread_detach(thread);
}

/// Its functions and variables are its own: nobody else means them by their names.
Error keep_names_apart(Module &module) {
  for (const char *list : {"llvm.global_ctors", "llvm.global_dtors"})
    if (module.getNamedGlobal(list))
      return make_error("the module of hooks has constructors or destructors");
  if (!module.alias_empty() || !module.ifunc_empty() || !module.getModuleInlineAsm().empty())
    return make_error("the module of hooks has aliases, ifuncs or module-level assembly");
  for (GlobalObject &object : module.global_objects())
    if (!object.isDeclaration() && !object.getName().starts_with("llvm.")) {
      object.setComdat(nullptr);
      object.setVisibility(GlobalValue::DefaultVisibility);
      object.setLinkage(GlobalValue::InternalLinkage);
    }
  return Error::success();
}

} // namespace

Hooks::Hooks(Engine &engine, FirstCalls &calls)
    : engine_(engine), calls_(calls),
      thread_({.name = "osr hooks"}, [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {}

void Hooks::start() {
  Lock lock(thread_.mutex());
  is_started_ = thread_.start();
}

WorkerThreads::Next Hooks::next() {
  if (wanted_.empty())
    return {};
  auto work = std::move(wanted_.front());
  wanted_.pop_front();
  return {.work = std::move(work)};
}

Expected<Engine::Added> Hooks::add(MemoryBufferRef ir) {
  LLVMContext context;
  const DiagnosticScope diagnostics(context);
  SMDiagnostic problem;
  std::unique_ptr<Module> module = parseIR(ir, problem, context);
  if (!module)
    return make_error("the hooks' IR cannot be read: {}", problem.getMessage().str());
  if (Error error = keep_names_apart(*module))
    return error;
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  if (Error error = check_symbols(*module, engine_.session()))
    return error;
  return engine_.add(std::move(module));
}

Expected<Hook> Hooks::find(StringRef name, const std::optional<Engine::Added> &module) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  std::string full = name.str();
  if (module)
    for (const std::string &own : module->names)
      if (name_for_people(own) == name)
        full = own;
  auto body = engine_.find_body(full);
  if (!body)
    return body.takeError();
  const Function &function = engine_.compiler().code_of(*body);
  const Type *returned = function.getReturnType();
  if (function.arg_size() != 0 || function.isVarArg() || !(returned->isVoidTy() || returned->isIntegerTy(32)))
    return make_error("'{}' cannot be a hook: it has to take nothing and return an int, or nothing", name.str());
  return Hook{name.str(), engine_.targets().bodies().entry_of(*body), !returned->isVoidTy()};
}

Expected<std::optional<int>> Hooks::call(const Hook &hook, const HookPatience &patience) {
  if (Error error = calls_.prepare(hook.entry))
    return make_error("the hook '{}' cannot be called: {}", hook.name, toString(std::move(error)));
  const auto call = std::make_shared<HookCall>(engine_.entries().entry_address(hook.entry), hook.returns_value);
  {
    Lock lock(thread_.mutex());
    if (!is_started_)
      return make_error("there is no thread for the hook '{}'", hook.name);
    wanted_.push_back([call] { start_hook_thread(call); });
    thread_.notify();
  }
  const auto end = std::chrono::steady_clock::now() + patience.limit;
  for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now()) {
    if (call->has_ended_by(std::min(end, now + hook_pause)))
      break;
    if (patience.is_cancelled && *patience.is_cancelled)
      return make_error("the request was cancelled while the hook '{}' ran, which goes on", hook.name);
    if (patience.progress)
      patience.progress(fmt::format("waits for the hook '{}'", hook.name));
  }
  return call->result(hook.name);
}

} // namespace osr
