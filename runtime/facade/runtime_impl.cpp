// How a runtime is made, begins and ends.
#include "runtime/facade/runtime_impl.h"

#include "compiler/base/error_code.h"
#include "compiler/base/message.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/target/thread_memory.h"
#include "compiler/tiers/assumptions.h"
#include "runtime/events/trace_events.h"
#include "runtime/facade/running.h"
#include "runtime/guest/fde_finder.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/machine/shadow_stack.h"
#include "runtime/process/mappings.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/undisturbed.h"

#include <atomic>
#include <chrono>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::milliseconds
    patience_at_end(20); ///< enough for most that was begun, so that statistics are whole

constexpr std::chrono::seconds snapshot_patience(3);

std::atomic<bool> has_program = false; ///< there is a runtime for a whole program in this process

Engine::Options engine_options_of(const RuntimeOptions &options, Process process, bool has_shadow_stack,
                                  bool may_count) {
  Engine::Options result;
  result.compile.baseline_polls_everywhere = options.tier_up.policy != nullptr;
  result.compile.optimize_apart =
      options.tier_up.policy || process == Process::OfHost; // a program that grows is never whole
  result.compile.verify_each_pass = options.verify_each_pass;
  result.compile.sites = options.sites;
  result.compile.reference_spaces = options.reference_spaces;
  // Counted activations cannot be replaced.
  result.compile.assume = options.assume_guards && options.freeing != Freeing::ResidenceCounting;
  if (result.compile.assume && may_count)
    result.compile.speculate_after = options.speculate_after;
  result.loop_sites = options.loop_sites;
  result.calls = options.calls;
  result.entered = options.stress.acts_at_calls() ? CallTargets::Calls::PassTheHook : CallTargets::Calls::EnterCode;
  result.mechanism = options.mechanism;
  result.has_shadow_stack = has_shadow_stack;
  result.stubs = options.stubs;
  result.freeing = options.freeing;
  result.slabs = options.slabs;
  result.fault = options.fault;
  result.listener = options.listener;
  result.limits = options.limits;
  result.names = {options.resolve, options.process_symbols};
  result.compile.processor = {options.target_cpu, options.target_features};
  result.compile.cache = options.compile_cache;
  return result;
}

/// A collector relies on records everywhere, and on frames that leave one by one.
Error check_collectable(const RuntimeOptions &options) {
  if (options.reference_spaces.empty())
    return Error::success();
  for (const unsigned space : options.reference_spaces)
    if (space == 0 || space >= first_machine_address_space())
      return make_error(ErrorCode::Invalid, "address space {} cannot be one of references: 1 to {} can", space,
                        first_machine_address_space() - 1);
  if (!options.sites || !options.loop_sites || options.freeing == Freeing::ResidenceCounting ||
      options.mechanism == Mechanism::ReturnPoint)
    return make_error(
        ErrorCode::Invalid,
        "with reference_spaces, code needs its sites, also in loops, and return PCs that may be rewritten: not "
        "under a shadow stack, nor while activations are counted");
  return Error::success();
}

void count_sites(const CanonicalProgram &program, Statistics &statistics) {
  for (const FunctionInfo &function : program.functions) {
    if (!function.is_numbered())
      continue;
    statistics.sites_total += function.sites().size();
    for (const Site &site : function.sites()) {
      statistics.loop_sites += is_loop_site(site);
      statistics.guards.sites += is_guard_site(site);
      if (!site.is_replaceable())
        ++statistics.sites_refused[to_string(site.refusal)];
    }
  }
}

} // namespace

constinit thread_local RuntimeImpl::Use *RuntimeImpl::Use::newest = nullptr;

bool ProgramClaim::take() { return is_taken_ = !has_program.exchange(true); }

ProgramClaim::~ProgramClaim() {
  if (is_taken_)
    has_program = false;
}

Expected<std::unique_ptr<RuntimeImpl>> RuntimeImpl::create(CanonicalProgram program, Process process,
                                                           RuntimeOptions options, orc::ThreadSafeContext context) {
  auto impl = std::make_unique<RuntimeImpl>(std::move(context), process, std::move(options));
  if (process == Process::OfProgram && !impl->options.process_symbols)
    return make_error(ErrorCode::Invalid,
                      "a whole program finds the process's symbols: process_symbols is for programs that grow");
  if (process == Process::OfProgram && !impl->shares.claim.take())
    return make_error(ErrorCode::InUse,
                      "there is a whole program in this process already, and what a process has once (exit and its "
                      "handlers, standard streams, limits) can be one program's: close it first, or add modules to a "
                      "runtime that is created without a program");
  if (Error error = impl->set_up(std::move(program)))
    return error;
  return impl;
}

RuntimeImpl::~RuntimeImpl() {
  stop_background(); // a fork takes its locks until nothing of it runs any more
  remove_running(*this);
}

Error RuntimeImpl::make_engine(CanonicalProgram program) {
  const bool shadow_stack = options.has_shadow_stack ? options.has_shadow_stack() : shadow_stack_is_active();
  if (shadow_stack)
    options.mechanism = Mechanism::ReturnPoint;
  if (Error error = check_collectable(options))
    return error;
  if (!options.reference_spaces.empty())
    process_safepoints().use();
  const bool may_count =
      has_own_heap() || (process == Process::OfProgram && !osr::may_handle_signals(program, options.libraries));
  auto made = Engine::create(std::move(program), engine_options_of(options, process, shadow_stack, may_count));
  if (!made)
    return made.takeError();
  engine = std::move(*made);
  return Error::success();
}

Error RuntimeImpl::set_up(CanonicalProgram program) {
  auto joined = SharedProcess::join(options.stops.signal_number);
  if (!joined)
    return joined.takeError();
  shares.stops = std::move(*joined);
  if (Error error = make_engine(std::move(program)))
    return error;
  if (Error error = rooms.make(*engine, options, process, [this] { return snapshot(); }))
    return error;
  if (Error error = reach_unwinder())
    return error;
  answer_compiled_code();
  if (Error error = link_program())
    return error;
  if (!options.debug_info)
    return Error::success();
  auto told = rooms.debugger_variables->provide();
  return told ? Error::success() : make_error("debug_info: {}", toString(told.takeError()));
}

Error RuntimeImpl::link_program() {
  const AloneWithEngine alone;
  return rooms.guest->link(hook_symbols(*this));
}

Error RuntimeImpl::start(ProgramThread *main_thread) {
  begun = Begun{main_thread};
  answer_messages(tell_hosts);
  if (Trace::active() || rooms.control) // whose clients may begin one later
    options.stops.observer = trace_pause;
  if (Error error = engine->watch_threads(options.stops))
    return error;
  rooms.start(options.deterministic || rooms.may_compile_in_calls());
  engine->show_code();
  rooms.guest->install();
  install_entry_hook();
  add_running(*this);
  return rooms.control ? rooms.control->start() : Error::success();
}

void RuntimeImpl::stop_background() {
  Undisturbed undisturbed;
  rooms.stop();
}

void RuntimeImpl::leave_background() {
  Undisturbed undisturbed;
  rooms.end_by(std::chrono::steady_clock::now() + patience_at_end);
}

bool RuntimeImpl::is_in_callback() const { return engine->mutex().is_held_by_this_thread(); }

Error RuntimeImpl::refuse_in_callback() const {
  return is_in_callback() ? make_error(ErrorCode::WrongState,
                                       "a function that the runtime calls with its lock held (a listener, a resolver, "
                                       "a visitor) may not use it")
                          : Error::success();
}

std::optional<Statistics> RuntimeImpl::snapshot() {
  Undisturbed undisturbed;
  if (!engine->mutex().try_lock_for(snapshot_patience))
    return std::nullopt;
  Lock lock(engine->mutex(), already_locked);
  Statistics result = engine->statistics();
  count_sites(engine->program(), result);
  if (const DirectCalls *direct = engine->targets().direct())
    result.calls = {direct->sites().size(), direct->sites().bound(), direct->sites().rewritten(), direct->stops()};
  result.exceptions.unwound = rooms.guest->stubs_unwound();
  result.most_threads = engine->threads().most_at_once();
  result.mappings = count_mappings();
  if (rooms.tiering)
    result.tier_up = rooms.tiering->statistics();
  if (const ReturnPointTable *points = engine->return_points())
    result.return_points = {points->size(), points->patches(), points->restored()};
  return result;
}

} // namespace osr
