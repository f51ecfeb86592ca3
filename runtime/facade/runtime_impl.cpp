// How the rooms are made, begin and end.
#include "runtime/facade/runtime_impl.h"

#include "compiler/base/error.h"
#include "runtime/events/trace_events.h"
#include "runtime/facade/running.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
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
  return result;
}

/// A collector relies on records everywhere, and on frames that leave one by one.
Error check_collectable(const RuntimeOptions &options) {
  if (options.reference_spaces.empty())
    return Error::success();
  for (const unsigned space : options.reference_spaces)
    if (space == 0 || space >= 256) // segments of the machine begin there
      return make_error("address space {} cannot be one of references: 1 to 255 can", space);
  if (!options.sites || !options.loop_sites || options.freeing == Freeing::ResidenceCounting ||
      options.mechanism == Mechanism::ReturnPoint)
    return make_error(
        "with reference_spaces, code needs its sites, also in loops, and return PCs that may be rewritten: not "
        "under a shadow stack, nor while activations are counted");
  return Error::success();
}

} // namespace

bool ProgramClaim::take() { return is_taken_ = !has_program.exchange(true); }

ProgramClaim::~ProgramClaim() {
  if (is_taken_)
    has_program = false;
}

Expected<std::unique_ptr<RuntimeImpl>> RuntimeImpl::create(CanonicalProgram program, Process process,
                                                           RuntimeOptions options, orc::ThreadSafeContext context) {
  auto impl = std::make_unique<RuntimeImpl>(std::move(context), process, std::move(options));
  if (process == Process::OfProgram && !impl->claim.take())
    return make_error("there is a whole program in this process already, and what a process has once (exit and its "
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

bool RuntimeImpl::may_compile_in_calls() const { return has_own_heap() || !guest->may_handle_signals(); }

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
  shared = std::move(*joined);
  if (Error error = make_engine(std::move(program)))
    return error;
  guest = std::make_unique<GuestProgram>(*engine, options.libraries, process);
  auto calls = FirstCalls::create(*engine, options.tier_up.policy ? Tier::Baseline : options.tier,
                                  options.optimize_only, options.compile_failed, options.cannot_go_on);
  if (!calls)
    return calls.takeError();
  first_calls = std::move(*calls);
  replacer = std::make_unique<Replacer>(*engine);
  sources = std::make_unique<SourceTables>(*engine);
  redefiner = std::make_unique<Redefiner>(*engine, *replacer, sources.get());
  if (options.tier_up.policy)
    tiering = std::make_unique<Tiering>(*engine, *first_calls, *replacer, options.tier_up);
  guards =
      std::make_unique<Guards>(*engine, *replacer, tiering.get(), options.most_guard_failures, options.cannot_go_on);
  auto stressed = StressRun::create(options.stress, *engine);
  if (!stressed)
    return stressed.takeError();
  stress = std::move(*stressed);
  if (options.control)
    control = std::make_unique<Control>(ControlParts{*engine, *first_calls, *replacer, *redefiner, *sources,
                                                     tiering.get(), [this] { return snapshot(); }},
                                        *options.control);
  return guest->link(hook_symbols(*this), on_exception_landed);
}

Error RuntimeImpl::start() {
  has_begun = true;
  if (Error error = watch_forks())
    return error;
  if (Trace::active())
    options.stops.observer = trace_pause;
  if (Error error = engine->watch_threads(options.stops))
    return error;
  replacer->start();
  if (tiering)
    tiering->start(may_compile_in_calls());
  stress->start(*replacer, *redefiner);
  engine->show_code();
  guest->install();
  install_entry_hook();
  add_running(*this);
  return control ? control->start() : Error::success();
}

void RuntimeImpl::stop_background() {
  Undisturbed undisturbed;
  if (control)
    control->stop();
  if (stress)
    stress->stop();
  if (tiering)
    tiering->stop();
  if (replacer)
    replacer->stop();
}

void RuntimeImpl::leave_background() {
  Undisturbed undisturbed;
  if (control)
    control->hide();
  const auto when = std::chrono::steady_clock::now() + patience_at_end;
  stress->end_by(when);
  if (tiering)
    tiering->end_by(when);
  replacer->end_by(when);
}

std::optional<Statistics> RuntimeImpl::snapshot() {
  Undisturbed undisturbed;
  if (!engine->mutex().try_lock_for(snapshot_patience))
    return std::nullopt;
  Lock lock(engine->mutex(), already_locked);
  Statistics result = engine->statistics();
  if (const DirectCalls *direct = engine->targets().direct())
    result.calls = {direct->sites().size(), direct->sites().bound(), direct->sites().rewritten(), direct->stops()};
  result.exceptions.unwound = guest->stubs_unwound();
  result.most_threads = engine->threads().most_at_once();
  result.mappings = count_mappings();
  if (tiering)
    result.tier_up = tiering->statistics();
  if (const ReturnPointTable *points = engine->return_points())
    result.return_points = {points->size(), points->patches(), points->restored()};
  return result;
}

} // namespace osr
