#include "osr/runtime.h"

#include "compiler/base/error_code.h"
#include "runtime/facade/complete_options.h"
#include "runtime/facade/forks.h"
#include "runtime/facade/running.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guards/enter_at.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/inspect/activations.h"
#include "runtime/requests/active_functions.h"
#include "runtime/roots/at_safepoint.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/static_objects.h"
#include "runtime/threads/undisturbed.h"

#include <cerrno>
#include <cfenv>
#include <sys/resource.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr rlim_t wanted_stack = rlim_t(512) << 20;

/// Frames of the baseline tier are larger than those of native code: deep recursion needs a larger stack.
void raise_stack_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted_stack)
    return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted_stack : std::min(wanted_stack, limit.rlim_max);
  setrlimit(RLIMIT_STACK, &limit);
}

Expected<EntryId> find_main(Engine &engine) {
  Undisturbed undisturbed;
  Lock lock(engine.mutex());
  const CanonicalProgram &program = engine.program();
  if (Error error = check_main(program))
    return error;
  return engine.targets().bodies().entry_of(program.find_aliased_function("main")->id);
}

/// Somebody may ask for statistics already.
void note_start(Engine &engine) {
  Undisturbed undisturbed;
  Lock lock(engine.mutex());
  engine.statistics().program_start = std::chrono::steady_clock::now();
}

} // namespace

Runtime::Runtime(std::unique_ptr<RuntimeImpl> impl) : impl_(std::move(impl)) {}

Runtime::~Runtime() {
  const bool ran = impl_->process == Process::OfProgram && impl_->begun;
  if (ran)
    end_program(); // later there would be no code for it
  impl_->stop_background();
  if (ran && ThreadRegistry::current() == impl_->begun->main_thread)
    impl_->engine->threads().remove_current();
  const NoForks meanwhile; // a child would find locks of the process in the hands of a thread that it does not have
  impl_.reset();
}

Error Runtime::close(std::unique_ptr<Runtime> &runtime) {
  if (!runtime)
    return Error::success();
  if (Error error = runtime->impl_->refuse_in_callback())
    return error;
  if (const unsigned uses = runtime->impl_->uses)
    return make_error(
        ErrorCode::InUse,
        "the runtime cannot be closed: {} of its functions are under way, in other threads or in this one", uses);
  auto activation = describe_some_activation(*runtime->impl_->engine);
  if (!activation)
    return activation.takeError();
  if (!activation->empty())
    return make_error(ErrorCode::InUse, "the runtime cannot be closed: {}", *activation);
  runtime.reset();
  return Error::success();
}

Expected<ModuleId> RuntimeImpl::add(orc::ThreadSafeModule module, std::size_t library) {
  if (Error error = refuse_in_callback())
    return error;
  const Use use(*this);
  if (process == Process::OfProgram)
    return make_error(ErrorCode::WrongState, "the program is whole: a runtime that is created without one grows");
  if (!module)
    return make_error(ErrorCode::Invalid, "there is no module");
  Undisturbed undisturbed;
  Lock lock(engine->mutex(), after_waiting);
  Libraries::Names names;
  auto added =
      module.consumingModuleDo([&](std::unique_ptr<Module> taken) OSR_REQUIRES(engine_lock) -> Expected<Engine::Added> {
        auto bound = grown.libraries.bind(*taken, library, *engine);
        if (!bound)
          return bound.takeError();
        names = std::move(*bound);
        return engine->add(std::move(taken));
      });
  if (!added)
    return added.takeError();
  grown.libraries.note_added(names, *engine);
  return grown.modules.add(std::move(*added));
}

Expected<ModuleId> Runtime::add(orc::ThreadSafeModule module) { return impl_->add(std::move(module), Libraries::main); }

Error Runtime::remove(ModuleId module) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  Undisturbed undisturbed;
  Lock lock(impl_->engine->mutex(), after_waiting);
  auto found = impl_->grown.modules.take(module);
  lock.unlock();
  if (!found)
    return make_error(ErrorCode::Unknown, "there is no module {}, or it was removed already", module);
  impl_->rooms.redefiner->remove(std::move(*found));
  return Error::success();
}

Error Runtime::initialize() {
  if (Error error = impl_->refuse_in_callback())
    return error;
  if (!ThreadRegistry::current())
    return make_error(ErrorCode::WrongState, "constructors run in an attached thread");
  std::vector<StaticAction> actions;
  {
    Undisturbed undisturbed; // constructors run with the program's handlers
    Lock lock(impl_->engine->mutex(), after_waiting);
    actions = impl_->grown.modules.take_constructors();
  }
  return impl_->rooms.guest->run(actions);
}

Error Runtime::define(ArrayRef<HostSymbol> symbols) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  if (Error error = check_host_symbols(symbols))
    return error;
  const RuntimeImpl::Use use(*impl_);
  Undisturbed undisturbed;
  Engine &engine = *impl_->engine;
  Lock lock(engine.mutex(), after_waiting);
  if (Error error = engine.session().define_symbols(symbols))
    return error;
  for (const HostSymbol &symbol : symbols)
    impl_->grown.libraries.note_defined(symbol.first, engine);
  engine.versions().forget_failures();
  return Error::success();
}

Expected<std::uint64_t> Runtime::lookup(StringRef name) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  Undisturbed undisturbed;
  Engine &engine = *impl_->engine;
  Lock lock(engine.mutex(), after_waiting);
  const FunctionInfo *function = engine.program().find_aliased_function(name);
  if (!function)
    return engine.session().lookup(name);
  const EntryId entry = engine.targets().bodies().entry_of(function->id);
  lock.unlock();
  if (Error error = impl_->rooms.first_calls->prepare(entry))
    return error;
  return engine.entries().entry_address(entry);
}

Engine &Runtime::engine() { return *impl_->engine; }

Expected<int> Runtime::run_main(const std::vector<std::string> &arguments) {
  if (impl_->process == Process::OfHost)
    return make_error(ErrorCode::WrongState, "the program has no main that could be run: the host calls its functions");
  if (impl_->begun)
    return make_error(ErrorCode::WrongState, "the program is running already, or has run");
  Engine &engine = *impl_->engine;
  GuestProgram &guest = *impl_->rooms.guest;
  const CanonicalProgram &program = engine.program();
  auto main = find_main(engine);
  if (!main)
    return main.takeError();
  raise_stack_limit();
  if (ThreadRegistry::current())
    return make_error(ErrorCode::WrongState,
                      "main needs a thread that is not attached: the program's end would be the end of that");
  auto self = engine.threads().add_current();
  if (!self)
    return self.takeError();
  watch_main_thread();
  if (Error error = impl_->start(*self))
    return error;
  // Nothing may compile while the compiler's own static objects go. Where they stay, the end waits for no compile.
  const auto end_background = keep_static_objects() ? &RuntimeImpl::leave_background : &RuntimeImpl::stop_background;
  guest.set_arguments(arguments);
  if (Error error = guest.load_late_libraries(**self))
    return error;
  if (impl_->options.compile_ahead || !impl_->rooms.may_compile_in_calls())
    impl_->rooms.first_calls->compile_all();

  set_static_destructors([this, end_background] {
    (impl_.get()->*end_background)();
    consumeError(impl_->rooms.guest->run(impl_->engine->program().destructors));
  });
  // As a process begins: the compiler has calculated in this thread, and asked for what there was not.
  std::feclearexcept(FE_ALL_EXCEPT);
  errno = 0;
  if (Error error = guest.run(program.constructors))
    return error;
  {
    const LibraryState kept; // main finds what the constructors left
    note_start(engine);
  }
  return int(enter(**self, engine.entries().entry_address(*main), guest.argument_count(),
                   reinterpret_cast<std::uint64_t>(guest.arguments()), reinterpret_cast<std::uint64_t>(environ)));
}

std::uint64_t Runtime::address_of(StringRef name) {
  if (impl_->is_in_callback())
    return 0;
  const RuntimeImpl::Use use(*impl_);
  Undisturbed undisturbed;
  Engine &engine = *impl_->engine;
  Lock lock(engine.mutex());
  const FunctionInfo *function = engine.program().find_function(name);
  return function ? engine.entries().entry_address(engine.targets().bodies().entry_of(function->id)) : 0;
}

Expected<ReplaceOutcome> Runtime::replace(StringRef function, const ReplaceOptions &options) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.replacer->replace(function, options);
}

std::shared_ptr<PendingRequest> Runtime::request(StringRef function, const ReplaceOptions &options) {
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.replacer->request(function, options);
}

Expected<RedefineOutcome> Runtime::redefine(StringRef function, MemoryBufferRef ir, const RedefineOptions &options) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.redefiner->redefine(function, ir, options);
}

Expected<RedefineOutcome> Runtime::revert(StringRef function, const RedefineOptions &options) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.redefiner->revert(function, options);
}

Expected<std::unique_ptr<MemoryBuffer>> Runtime::source_of(StringRef function) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.redefiner->source_of(function);
}

Expected<std::uint64_t> Runtime::enter_at(StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                                          std::uint64_t result, FillObjects fill) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  return osr::enter_at(*impl_->engine, function, site, state, result, fill);
}

Expected<std::uint64_t> Runtime::enter_at_point(StringRef function, std::uint64_t point, ArrayRef<EnteredValue> values,
                                                std::uint64_t result, FillObjects fill) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  return osr::enter_at_point(*impl_->engine, function, point, values, result, fill);
}

Error Runtime::for_each_activation(function_ref<bool(const Activation &)> visit, std::optional<pid_t> thread) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return osr::for_each_activation(*impl_->engine, visit, thread);
}

Error Runtime::at_safepoint(function_ref<void(Safepoint &)> work, const SafepointOptions &options) {
  if (Error error = impl_->refuse_in_callback())
    return error;
  const RuntimeImpl::Use use(*impl_);
  return osr::at_safepoint(*impl_->engine, work, options);
}

bool Runtime::reclaim() {
  if (impl_->is_in_callback())
    return true; // nothing is freed now
  const RuntimeImpl::Use use(*impl_);
  return impl_->rooms.replacer->reclaim();
}

std::optional<Statistics> Runtime::snapshot() {
  if (impl_->is_in_callback())
    return std::nullopt;
  const RuntimeImpl::Use use(*impl_);
  return impl_->snapshot();
}

} // namespace osr
