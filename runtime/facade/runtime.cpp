#include "runtime/facade/runtime.h"

#include "compiler/base/error.h"
#include "compiler/sites/loop_polls.h"
#include "runtime/engine/intern_name.h"
#include "runtime/events/cause.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/static_objects.h"
#include "runtime/threads/stop_signal.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"
#include "runtime/tiering/stack_sampler.h"
#include "runtime/tiering/tier_up.h"

#include <llvm/ADT/STLExtras.h>

#include <csignal>
#include <cstdlib>
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

/// With room for the program's variables, however large they are.
SlabSizes slabs_for(const Module &program, SlabSizes sizes) {
  for (const GlobalVariable &variable : program.globals())
    if (variable.hasInitializer() && !variable.isThreadLocal()) {
      const std::uint64_t bytes =
          program.getDataLayout().getTypeAllocSize(variable.getValueType()) + variable.getAlign().valueOrOne().value();
      (variable.isConstant() ? sizes.read_only : sizes.data) += bytes;
    }
  return sizes;
}

} // namespace

Runtime::Runtime(Options options) : options_(std::move(options)) {}

Expected<std::unique_ptr<Runtime>> Runtime::create(CanonicalProgram program, Options options) {
  std::unique_ptr<Runtime> runtime(new Runtime(std::move(options)));
  if (Error error = runtime->set_up(std::move(program)))
    return error;
  return runtime;
}

Runtime::~Runtime() {
  if (running_ == this) {
    end_program(); // later there would be no code for it
    running_ = nullptr;
  }
  stop_background();
  forget_program();
  threads_.remove_current();
}

/// A handler of a library may call what the program gave to it.
bool Runtime::may_handle_signals(const Module &program) const {
  return handles_signals(program) || !options_.libraries.empty();
}

Error Runtime::set_up(CanonicalProgram program) {
  bool shadow_stack = options_.has_shadow_stack();
  if (shadow_stack)
    options_.mechanism = Mechanism::ReturnPoint;
  Compiler::Options compile;
  compile.object_stack_offset = object_stack_tls_offset();
  if (options_.sites && options_.loop_sites)
    compile.poll_word_offset = poll_word_tls_offset();
  compile.baseline_polls_everywhere = compile.optimize_apart = options_.tier_up.policy != nullptr;
  compile.verify_each_pass = options_.verify_each_pass;
  compile.patchable_returns = options_.mechanism == Mechanism::ReturnPoint;
  compile.sites = options_.sites;
  // Counted activations cannot be replaced.
  compile.assume = options_.assume_guards && options_.freeing != Freeing::ResidenceCounting;
  if (compile.assume && (has_own_heap() || !may_handle_signals(*program.module))) // one may have interrupted malloc
    compile.speculate_after = options_.speculate_after;
  if (options_.freeing == Freeing::ResidenceCounting && options_.stress.kind != StressMode::Kind::None)
    return make_error("stress modes rewrite frames, which cannot be while activations are counted");
  auto compiler = Compiler::create(std::move(program), compile);
  if (!compiler)
    return compiler.takeError();
  compiler_ = std::move(*compiler);
  auto arena = SlabArena::create(slabs_for(*compiler_->program().module, options_.slabs));
  if (!arena)
    return arena.takeError();
  arena_ = std::move(*arena);
  auto session = CodeSession::create(*arena_);
  if (!session)
    return session.takeError();
  session_ = std::move(*session);
  auto entries = EntryTable::create(*arena_);
  if (!entries)
    return entries.takeError();
  entries_ = std::move(*entries);
  registry_ = std::make_unique<CodeRegistry>(arena_->range(SlabKind::Code));
  stub_table_ = std::make_unique<StubTable>();
  fde_finder_ = std::make_unique<FdeFinder>(*registry_, *stub_table_);
  set_up_patching();
  versions_ = std::make_unique<VersionStore>(*compiler_, *session_, *registry_, statistics_, options_.freeing);
  stubs_ = std::make_unique<StubFactory>(*versions_, *registry_, *arena_, *stub_table_, statistics_, options_.stubs,
                                         options_.fault, rules_for(options_.mechanism, shadow_stack));
  guard_exits_ = std::make_unique<GuardExits>(*stubs_, *registry_, *stub_table_, *redirector_, statistics_,
                                              options_.most_guard_failures);
  versions_->set_exit_check([this](const Version &version) { return guard_exits_->find_dead_end(version); });
  set_up_tiers();
  set_up_speculation();
  count_program();
  bodies_ = Bodies(FunctionId(this->program().functions.size()));
  for (const std::string &name : options_.optimize_only)
    if (!compiler_->program().find_function(name))
      return make_error("there is no function '{}' to optimise; 'osrctl sites' lists them", name);
  auto stress_function = options_.stress.find_function(compiler_->program());
  if (!stress_function)
    return stress_function.takeError();
  if (options_.stress.acts_at_calls() || options_.stress.acts_at_polls())
    stress_ = std::make_unique<Stress>(options_.stress, *stress_function, *stubs_, *registry_, *entries_, *stub_table_,
                                       *redirector_, statistics_);

  if (Error error = entries_->reserve(compiler_->program().functions.size()))
    return error;
  std::vector<const char *> names;
  for (const FunctionInfo &function : this->program().functions) {
    names.push_back(intern_name(function.name));
    if (function.type_hash)
      entries_->set_type_hash(function.id, *function.type_hash);
  }
  code_names_ = std::make_unique<CodeNames>(*registry_, *stub_table_, *entries_, std::move(names));
  program_segments_ = std::make_unique<ProgramSegments>(*arena_);
  return link_program();
}

void Runtime::count_program() {
  for (const FunctionInfo &function : program().functions) {
    ++statistics_.functions_total;
    if (function.pinned != PinReason::None)
      ++statistics_.functions_pinned[osr::to_string(function.pinned)];
    statistics_.sites_total += function.sites.size();
    for (const Site &site : function.sites) {
      statistics_.loop_sites += is_loop_site(site);
      statistics_.guards.sites += is_guard_site(site);
      if (!site.refusal.empty())
        ++statistics_.sites_refused[site.refusal];
    }
  }
}

std::uint64_t Runtime::hook(EntryFrame *frame) { return running_->enter(*frame); }

std::uint64_t Runtime::enter(EntryFrame &frame) {
  auto function = FunctionId(frame.function);
  if (options_.stress.acts_at_calls() && ThreadRegistry::current()) {
    Undisturbed undisturbed;
    on_work_stack([&] {
      Because because(Cause::Stress);
      std::lock_guard lock(mutex_);
      stress_->on_call(frame);
    });
  }
  return code_for(function, &frame);
}

void Runtime::on_poll(std::uint64_t return_pc_slot) {
  Undisturbed undisturbed;
  on_work_stack([&] {
    Because because(Cause::Stress);
    std::lock_guard lock(running_->mutex_);
    running_->stress_->on_poll(return_pc_slot);
  });
}

Tier Runtime::first_tier(FunctionId body) const {
  const std::vector<std::string> &only = options_.optimize_only;
  bool excluded = !only.empty() && !is_contained(only, program().functions[body].name);
  return excluded || tier_up_ ? Tier::Baseline : options_.tier;
}

/// The target has to be on the stack while it is still the right one: from then on the code is not freed under us.
std::uint64_t Runtime::code_for(FunctionId function, EntryFrame *frame) {
  auto choose = [&](std::uint64_t pc) {
    if (frame)
      std::atomic_ref(frame->target).store(pc, std::memory_order_seq_cst);
    return pc;
  };
  while (std::uint64_t known = entry_code_[function].load())
    if (choose(known) == entry_code_[function].load())
      return known;
  std::uint64_t pc = 0;
  Undisturbed undisturbed;
  on_work_stack([&] {
    Because because(Cause::Call);
    std::lock_guard lock(mutex_);
    pc = choose(code_for_locked(function));
  });
  return pc;
}

/// With the lock held.
std::uint64_t Runtime::code_for_locked(FunctionId function) {
  if (std::uint64_t known = entry_code_[function].load(std::memory_order_relaxed))
    return known; // another thread was faster
  auto version = compile_for_calls(function);
  if (!version) { // the program cannot go on without this function
    std::fprintf(stderr, "osr: %s\n", toString(version.takeError()).c_str());
    std::_Exit(1);
  }
  set_code_for_calls(function, (*version)->object.entry_pc);
  if (direct_calls_)
    direct_calls_->bind_when_due(*handshake_, statistics_.compile_seconds());
  return (*version)->object.entry_pc;
}

Expected<const Version *> Runtime::compile_for_calls(FunctionId entry) {
  const FunctionId body = bodies_.current(entry);
  Tier tier = first_tier(body);
  auto version = versions_->find_or_compile({body, tier, std::nullopt});
  if (version || tier == Tier::Baseline)
    return version;
  ++statistics_.functions_not_optimized[toString(version.takeError())];
  return versions_->find_or_compile({body, Tier::Baseline, std::nullopt});
}

/// 0: the next call compiles the function. A stress mode that acts at calls wants to see each of them: then all calls
/// keep going through the hook. Direct calls follow in the next stop of the threads.
void Runtime::set_code_for_calls(FunctionId function, std::uint64_t pc) {
  entry_code_[function].store(pc);
  if (options_.stress.acts_at_calls())
    return;
  entries_->set_target(function, pc ? pc : entries_->hook_address(function));
  if (direct_calls_)
    direct_calls_->sites().redirect(function, pc ? pc : entries_->entry_address(function));
}

Error Runtime::compile_all() {
  for (FunctionId entry = 0; entry < bodies_.entry_count(); ++entry) // others may redefine functions meanwhile
    code_for(entry);
  return Error::success();
}

Error Runtime::run_actions(const std::vector<StaticAction> &actions) {
  const auto count = argv_.empty() ? 0 : argv_.size() - 1;
  ProgramThread *self = ThreadRegistry::current();
  if (!self)
    return make_error("constructors and destructors need a thread of the program");
  for (const StaticAction &action : actions) {
    auto address = look_up(action.function);
    if (!address)
      return address.takeError();
    osr::enter(*self, *address, count, reinterpret_cast<std::uint64_t>(argv_.data()),
               reinterpret_cast<std::uint64_t>(environ));
  }
  return Error::success();
}

/// A handler of the program may look something up, too.
Expected<std::uint64_t> Runtime::look_up(StringRef name) {
  Undisturbed undisturbed;
  return session_->lookup(name);
}

/// Where they stay: other threads of the program may read them when main's has ended.
void Runtime::keep_arguments(const std::vector<std::string> &arguments) {
  arguments_ = arguments;
  argv_.clear();
  for (std::string &argument : arguments_)
    argv_.push_back(argument.data());
  argv_.push_back(nullptr);
}

Expected<int> Runtime::run_main(const std::vector<std::string> &arguments) {
  if (running_)
    return make_error("a program is running already, or has run: there is one in a process");
  if (Error error = check_main(program()))
    return error;
  const FunctionId main = program().find_aliased_function("main")->id; // of its entry, which stays
  entry_code_ = std::vector<std::atomic<std::uint64_t>>(program().functions.size());
  raise_stack_limit();
  auto self = threads_.add_current();
  if (!self)
    return self.takeError();
  watch_main_thread();
  if (Error error = start_requests())
    return error;
  set_handlers_are_possible(may_handle_signals(*this->program().module) || !options_.host_symbols.empty());
  running_ = this;
  fde_finder_->install();
  code_names_->install();
  program_segments_->install();
  osr_entry_hook_handler = hook;
  entries_->set_hook(reinterpret_cast<std::uint64_t>(&osr_entry_hook));
  // Nothing may compile while the compiler's own static objects go. Where they stay, the end waits for no compile.
  const auto end_background = keep_static_objects() ? &Runtime::leave_background : &Runtime::stop_background;
  keep_arguments(arguments);
  if (Error error = load_late_libraries(**self))
    return error;
  if (options_.compile_ahead || (may_handle_signals(*this->program().module) && !has_own_heap()))
    if (Error error = compile_all())
      return error;

  set_static_destructors([this, end_background] {
    (this->*end_background)();
    consumeError(run_actions(program().destructors));
  });
  if (Error error = run_actions(program().constructors))
    return error;
  statistics_.program_start = std::chrono::steady_clock::now();
  return int(osr::enter(**self, entries_->entry_address(main), arguments_.size(),
                        reinterpret_cast<std::uint64_t>(argv_.data()), reinterpret_cast<std::uint64_t>(environ)));
}

} // namespace osr
