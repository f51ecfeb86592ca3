#include "osr/runtime.h"

#include "compiler/base/error.h"
#include "compiler/codegen/target.h"
#include "runtime/code/mappings.h"
#include "runtime/facade/create_runtime.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guards/enter_at.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/static_objects.h"
#include "runtime/threads/undisturbed.h"

#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr rlim_t wanted_stack = rlim_t(512) << 20;
constexpr std::chrono::seconds snapshot_patience(3);

/// Frames of the baseline tier are larger than those of native code: deep recursion needs a larger stack.
void raise_stack_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted_stack)
    return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted_stack : std::min(wanted_stack, limit.rlim_max);
  setrlimit(RLIMIT_STACK, &limit);
}

} // namespace

Runtime::Runtime(std::unique_ptr<RuntimeImpl> impl) : impl_(std::move(impl)) {}

Expected<std::unique_ptr<Runtime>> RuntimeImpl::create(CanonicalProgram program, RuntimeOptions options,
                                                       orc::ThreadSafeContext context) {
  auto impl = std::make_unique<RuntimeImpl>(std::move(context), std::move(options));
  if (Error error = impl->set_up(std::move(program)))
    return error;
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Expected<std::unique_ptr<Runtime>> create_runtime(CanonicalProgram program, RuntimeOptions options) {
  return RuntimeImpl::create(std::move(program), std::move(options));
}

Expected<std::unique_ptr<Runtime>> Runtime::create(orc::ThreadSafeModule module, Options options) {
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  orc::ThreadSafeContext context = module.getContext();
  auto program = module.consumingModuleDo([&](std::unique_ptr<Module> taken) {
    return canonicalize(std::move(taken), **machine, options.keep_source ? KeepSource::Yes : KeepSource::No);
  });
  if (!program)
    return program.takeError();
  return RuntimeImpl::create(std::move(*program), std::move(options), std::move(context));
}

Runtime::~Runtime() {
  if (running() == impl_.get()) {
    end_program(); // later there would be no code for it
    set_running(nullptr);
  }
  impl_->stop_background();
  impl_->engine->threads().remove_current();
}

Engine &Runtime::engine() { return *impl_->engine; }

Expected<int> Runtime::run_main(const std::vector<std::string> &arguments) {
  if (running())
    return make_error("a program is running already, or has run: there is one in a process");
  Engine &engine = *impl_->engine;
  GuestProgram &guest = *impl_->guest;
  const CanonicalProgram &program = engine.program();
  if (Error error = check_main(program))
    return error;
  const FunctionId main = program.find_aliased_function("main")->id; // of its entry, which stays
  raise_stack_limit();
  auto self = engine.threads().add_current();
  if (!self)
    return self.takeError();
  watch_main_thread();
  if (Error error = impl_->start())
    return error;
  set_handlers_are_possible(guest.may_handle_signals() || !impl_->options.host_symbols.empty());
  set_running(impl_.get());
  guest.install();
  install_entry_hook(engine.entries());
  // Nothing may compile while the compiler's own static objects go. Where they stay, the end waits for no compile.
  const auto end_background = keep_static_objects() ? &RuntimeImpl::leave_background : &RuntimeImpl::stop_background;
  guest.set_arguments(arguments);
  if (Error error = guest.load_late_libraries(**self))
    return error;
  if (impl_->options.compile_ahead || !impl_->may_compile_in_calls())
    impl_->first_calls->compile_all();

  set_static_destructors([this, end_background] {
    (impl_.get()->*end_background)();
    consumeError(impl_->guest->run(impl_->engine->program().destructors));
  });
  if (Error error = guest.run(program.constructors))
    return error;
  engine.statistics().program_start = std::chrono::steady_clock::now();
  return int(enter(**self, engine.entries().entry_address(main), guest.argument_count(),
                   reinterpret_cast<std::uint64_t>(guest.arguments()), reinterpret_cast<std::uint64_t>(environ)));
}

std::uint64_t Runtime::address_of(StringRef name) {
  Undisturbed undisturbed;
  Engine &engine = *impl_->engine;
  std::lock_guard lock(engine.mutex());
  const FunctionInfo *function = engine.program().find_function(name);
  return function ? engine.entries().entry_address(engine.targets().bodies().entry_of(function->id)) : 0;
}

Expected<ReplaceOutcome> Runtime::replace(StringRef function, const ReplaceOptions &options) {
  return impl_->replacer->replace(function, options);
}

std::shared_ptr<PendingRequest> Runtime::request(StringRef function, const ReplaceOptions &options) {
  return impl_->replacer->request(function, options);
}

Expected<RedefineOutcome> Runtime::redefine(StringRef function, MemoryBufferRef ir, const RedefineOptions &options) {
  return impl_->redefiner->redefine(function, ir, options);
}

Expected<std::unique_ptr<MemoryBuffer>> Runtime::source_of(StringRef function) {
  return impl_->redefiner->source_of(function);
}

Expected<std::uint64_t> Runtime::enter_at(StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                                          std::uint64_t result) {
  return osr::enter_at(*impl_->engine, function, site, state, result);
}

bool Runtime::reclaim() { return impl_->replacer->reclaim(); }

std::optional<Statistics> Runtime::snapshot() {
  Undisturbed undisturbed;
  Engine &engine = *impl_->engine;
  std::unique_lock lock(engine.mutex(), std::defer_lock);
  if (!lock.try_lock_for(snapshot_patience))
    return std::nullopt;
  Statistics result = engine.statistics();
  if (const DirectCalls *direct = engine.targets().direct())
    result.calls = {direct->sites().size(), direct->sites().bound(), direct->sites().rewritten(), direct->stops()};
  result.exceptions.unwound = impl_->guest->stubs_unwound();
  result.most_threads = engine.threads().most_at_once();
  result.mappings = count_mappings();
  if (impl_->tiering)
    result.tier_up = impl_->tiering->statistics();
  if (const ReturnPointTable *points = engine.return_points())
    result.return_points = {points->size(), points->patches(), points->restored()};
  return result;
}

} // namespace osr
