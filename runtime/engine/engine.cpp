#include "runtime/engine/engine.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/target/holder_assembly.h"
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
  const AloneWithEngine alone;
  if (Error error = engine->set_up(std::move(program), options))
    return error;
  return engine;
}

/// Walks for others have read a stack wrongly if they come here, but they may: not while that is taken away.
Engine::~Engine() {
  Lock lock(threads().mutex());
  walkable_.reset();
}

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
  auto session = CodeSession::create(*arena_, options.names);
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
  events_ = std::make_unique<EventTeller>(this->program(), options.listener);
  versions_ = std::make_unique<VersionStore>(*compiler_, *session_, *registry_, statistics_, *events_, options.freeing);
  stubs_ = std::make_unique<StubFactory>(*versions_, *arena_, stub_table_, statistics_, options.stubs, options.fault,
                                         rules_for(options.mechanism, options.has_shadow_stack));
  effort_ = std::make_unique<CompileEffort>(*compiler_, options.limits);
  maker_ = std::make_unique<VersionMaker>(*compiler_, *versions_, *stubs_, *effort_, statistics_);
  walkable_ = std::make_unique<WalkableRuntime>(arena_->addresses(), *registry_, stub_table_, *entries_);
  if (Error error = entries_->reserve(std::uint32_t(this->program().functions.size())))
    return error;
  for (const FunctionInfo &function : this->program().functions)
    begin(function, EntryId(function.id));
  return Error::success();
}

void Engine::begin(const FunctionInfo &function, EntryId entry) {
  targets_->begin(entry, function.id);
  if (function.type_hash)
    entries_->set_type_hash(entry, *function.type_hash);
  count(function);
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
}

Error Engine::define_symbols(std::vector<AbsoluteSymbol> symbols) {
  for (const FunctionInfo &function : program().functions)
    symbols.emplace_back(function.name, entries_->entry_address(EntryId(function.id)));
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
  if (auto held = versions_->add_foreign(std::move(*linked)); !held)
    return held.takeError();
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

/// A function that had a body once keeps its entry, which others may know.
Expected<std::vector<EntryId>> Engine::entries_for(ArrayRef<FunctionInfo> functions, const Module &module) {
  std::vector<EntryId> entries;
  std::uint32_t next = targets_->bodies().entry_count();
  for (const FunctionInfo &function : functions) {
    auto known = withdrawn_.find(function.name);
    if (known == withdrawn_.end()) {
      auto before = unused_.find(function.name);
      entries.push_back(before == unused_.end() ? EntryId(next++) : before->second);
      continue;
    }
    const Function *before = program().module->getFunction(function.name), *now = module.getFunction(function.name);
    if (before &&
        (before->getFunctionType() != now->getFunctionType() || before->getCallingConv() != now->getCallingConv()))
      return make_error(ErrorCode::Exists,
                        "'{}' had another type before its module was removed, and is still called by that",
                        function.name);
    entries.push_back(known->second);
  }
  if (Error error = entries_->reserve(next))
    return error;
  return entries;
}

/// Symbols first, because variables may hold addresses of functions; whatever fails after that takes them back.
Expected<Engine::Added> Engine::link_module(Compiler::NewModule &module, std::vector<EntryId> entries) {
  std::vector<AbsoluteSymbol> symbols;
  for (auto [function, entry] : zip(module.functions, entries))
    if (!withdrawn_.contains(function.name))
      symbols.emplace_back(function.name, entries_->entry_address(entry));
  if (Error error = session_->define_symbols(symbols))
    return error;
  Added added{.constructors = std::move(module.constructors),
              .destructors = std::move(module.destructors),
              .entries = std::move(entries),
              .names = {},
              .variables = nullptr,
              .variable_names = module.variables,
              .code = {}};
  if (module.globals) {
    auto linked = session_->link(std::move(module.globals));
    auto held = linked ? versions_->add_foreign(std::move(*linked)) : Expected<const Version *>(linked.takeError());
    if (!held) {
      session_->undefine_symbols(symbols);
      return held.takeError();
    }
    added.variables = *held;
  }
  if (Error error = define_aliases(module.aliases)) {
    session_->undefine_symbols(symbols);
    if (added.variables)
      versions_->remove_foreign(*added.variables);
    return error;
  }
  return added;
}

/// No function exists before all that can fail is done.
Expected<Engine::Added> Engine::add(std::unique_ptr<Module> module) {
  auto prepared = compiler_->prepare_module(std::move(module));
  if (!prepared)
    return prepared.takeError();
  auto entries = entries_for(prepared->functions, *prepared->module);
  if (!entries)
    return entries.takeError();
  auto added = link_module(*prepared, std::move(*entries));
  if (!added)
    return added.takeError();
  std::vector<FunctionId> bodies;
  for (const FunctionInfo &function : prepared->functions) {
    bodies.push_back(function.id);
    added->names.push_back(function.name);
  }
  compiler_->adopt_module(std::move(*prepared));
  for (auto [entry, body] : zip(added->entries, bodies)) {
    begin(program().functions[body], entry);
    withdrawn_.erase(program().functions[body].name);
    unused_.erase(program().functions[body].name);
  }
  versions_->forget_failures(); // a name may be there now
  return added;
}

void Engine::withdraw(EntryId entry) {
  const FunctionId body = targets_->bodies().current(entry);
  withdrawn_[program().functions[body].name] = entry;
  compiler_->withdraw_body(body);
  targets_->bodies().withdraw(entry);
}

bool Engine::free_removed(Added &module) {
  if (!versions_->find(module.code).empty())
    return false;
  const std::set<FunctionId> &old = targets_->bodies().old();
  if (any_of(old, [&](FunctionId body) OSR_REQUIRES(engine_lock) {
        return is_contained(module.entries, targets_->bodies().entry_of(body));
      }))
    return false;
  bool is_left = false;
  if (compiler_->forget_variables(module.variable_names)) {
    module.variable_names.clear();
    if (const Version *variables = std::exchange(module.variables, nullptr))
      versions_->remove_foreign(*variables);
  } else {
    is_left = true;
  }
  for (auto [entry, name] : zip(module.entries, module.names)) {
    auto known = withdrawn_.find(name);
    if (known == withdrawn_.end() || known->second != entry)
      continue; // gone, or defined again
    if (!compiler_->forget_declaration(name)) {
      is_left = true;
      continue;
    }
    if (compiler_->give_back_name(name)) { // the entry is that of the next one, too
      name.clear();
      continue;
    }
    session_->undefine_symbols({{name, 0}});
    unused_[name] = entry;
    withdrawn_.erase(known);
  }
  return !is_left;
}

std::string Engine::name_of(EntryId entry) const {
  if (const FunctionId body = targets_->bodies().current(entry); body != no_function)
    return program().functions[body].name;
  auto known = find_if(withdrawn_, [&](const auto &each) { return each.second == entry; });
  return known == withdrawn_.end() ? "a function whose name is forgotten" : known->first;
}

Error Engine::with_stopped(function_ref<void(StoppedThreads)> work) {
  Undisturbed undisturbed;
  Lock lock(mutex(), after_waiting);
  return handshake_ ? handshake_->with_stopped(work) : make_error("no program is running");
}

Expected<FunctionId> Engine::find_body(StringRef name) const {
  if (const FunctionInfo *function = program().find_function(name))
    return function->id;
  return make_error(ErrorCode::Unknown, "there is no function '{}'", name.str());
}

Error Engine::watch_threads(const Handshake::Options &options) {
  auto handshake = Handshake::create(threads(), options);
  if (!handshake)
    return handshake.takeError();
  handshake_ = std::move(*handshake);
  return Error::success();
}

} // namespace osr
