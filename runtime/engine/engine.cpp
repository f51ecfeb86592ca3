#include "runtime/engine/engine.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/sites/loop_polls.h"
#include "osr-stubs/result_area.h"
#include "osr-stubs/thread_state.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

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

Expected<std::unique_ptr<Engine>> Engine::create(CanonicalProgram program, const Options &options) {
  std::unique_ptr<Engine> engine(new Engine());
  if (Error error = engine->set_up(std::move(program), options))
    return error;
  return engine;
}

Engine::~Engine() = default;

Error Engine::set_up(CanonicalProgram program, const Options &options) {
  Compiler::Options compile = options.compile;
  compile.object_stack_offset = object_stack_tls_offset();
  if (compile.sites && options.loop_sites)
    compile.poll_word_offset = poll_word_tls_offset();
  compile.patchable_returns = options.mechanism == Mechanism::ReturnPoint;
  auto compiler = Compiler::create(std::move(program), compile);
  if (!compiler)
    return compiler.takeError();
  compiler_ = std::move(*compiler);
  auto arena = SlabArena::create(slabs_for(*this->program().module, options.slabs));
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
  set_up_patching(options);
  targets_ = std::make_unique<CallTargets>(*entries_, direct_calls_.get(), options.entered);
  versions_ = std::make_unique<VersionStore>(*compiler_, *session_, *registry_, statistics_, options.freeing);
  stubs_ = std::make_unique<StubFactory>(*versions_, *registry_, *arena_, stub_table_, statistics_, options.stubs,
                                         options.fault, rules_for(options.mechanism, options.has_shadow_stack));
  if (Error error = entries_->reserve(FunctionId(this->program().functions.size())))
    return error;
  begin(this->program().functions);
  return Error::success();
}

/// Functions that have entries, and the highest numbers.
void Engine::begin(ArrayRef<FunctionInfo> functions) {
  targets_->grow(FunctionId(program().functions.size()));
  for (const FunctionInfo &function : functions) {
    if (function.type_hash)
      entries_->set_type_hash(function.id, *function.type_hash);
    count(function);
  }
}

void Engine::set_up_patching(const Options &options) {
  if (options.calls == CallKind::Direct) {
    direct_calls_ = std::make_unique<DirectCalls>(*entries_, CodePatcher(*arena_));
    session_->add_observer(direct_calls_->sites());
  }
  if (options.mechanism == Mechanism::ReturnPc) {
    redirector_ = rewrite_return_pcs(stub_table_);
  } else {
    return_points_ = std::make_unique<ReturnPointTable>(CodePatcher(*arena_));
    session_->add_observer(*return_points_);
    redirector_ = patch_return_points(*return_points_, handshake_);
  }
}

void Engine::count(const FunctionInfo &function) {
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

Error Engine::define_symbols(std::vector<AbsoluteSymbol> symbols) {
  for (const FunctionInfo &function : program().functions)
    symbols.emplace_back(function.name, entries_->entry_address(function.id));
  for (const ResultPad &pad : result_pads())
    symbols.emplace_back(pad.symbol, pad.address);
  return session_->define_symbols(symbols);
}

Expected<Extent> Engine::link_globals() {
  auto object = compiler_->compile_globals();
  if (!object)
    return object.takeError();
  auto linked = session_->link(std::move(*object));
  if (!linked)
    return linked.takeError();
  const LinkedFunction *first = linked->find_function(first_holder), *last = linked->find_function(last_holder);
  OSR_CHECK(first && last, "the program's globals come without holders");
  const Extent holders{first->address, last->address + last->size};
  if (Error error = versions_->add_foreign(std::move(*linked)))
    return error;
  if (Error error = define_aliases(program().aliases))
    return error;
  return holders;
}

Error Engine::define_aliases(ArrayRef<Alias> names) {
  std::vector<AbsoluteSymbol> aliases;
  for (const Alias &alias : names) {
    const std::string control = alias.is_thread_local ? "__emutls_v." : "";
    auto target = session_->lookup(control + alias.target);
    if (!target)
      return target.takeError();
    aliases.emplace_back(control + alias.name, *target + alias.offset);
  }
  return session_->define_symbols(aliases);
}

/// Symbols first, because variables may hold addresses of functions; whatever fails after that takes them back. No function
/// exists before all that can fail is done.
Expected<Engine::Added> Engine::add(std::unique_ptr<Module> module) {
  auto prepared = compiler_->prepare_module(std::move(module));
  if (!prepared)
    return prepared.takeError();
  const std::size_t before = program().functions.size();
  if (Error error = entries_->reserve(FunctionId(before + prepared->functions.size())))
    return error;
  std::vector<AbsoluteSymbol> symbols;
  for (const FunctionInfo &function : prepared->functions)
    symbols.emplace_back(function.name, entries_->entry_address(function.id));
  if (Error error = session_->define_symbols(symbols))
    return error;
  if (prepared->globals) {
    auto linked = session_->link(std::move(prepared->globals));
    Error error = linked ? versions_->add_foreign(std::move(*linked)) : linked.takeError();
    if (error) {
      session_->undefine_symbols(symbols);
      return error;
    }
  }
  if (Error error = define_aliases(prepared->aliases)) {
    session_->undefine_symbols(symbols);
    return error;
  }
  Added added{std::move(prepared->constructors), std::move(prepared->destructors)};
  compiler_->adopt_module(std::move(*prepared));
  begin(ArrayRef(program().functions).drop_front(before));
  versions_->forget_failures(); // a name may be there now
  return added;
}

Error Engine::with_stopped(function_ref<void(ArrayRef<std::unique_ptr<ProgramThread>>)> work) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  return handshake_ ? handshake_->with_stopped(work) : make_error("no program is running");
}

Expected<FunctionId> Engine::find_body(StringRef name) const {
  if (const FunctionInfo *function = program().find_function(name))
    return function->id;
  return make_error("there is no function '{}'; 'osrctl sites' lists them", name.str());
}

Error Engine::watch_threads(const Handshake::Options &options) {
  auto handshake = Handshake::create(threads(), options);
  if (!handshake)
    return handshake.takeError();
  handshake_ = std::move(*handshake);
  return Error::success();
}

} // namespace osr
