// The part of the runtime that brings program, shared libraries and the process together.
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/codegen/linker_symbols.h"
#include "compiler/sites/loop_polls.h"
#include "osr-stubs/result_area.h"
#include "runtime/code/library_file.h"
#include "runtime/facade/runtime.h"
#include "runtime/guest/loading_calls.h"
#include "runtime/guest/personality.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/program_operators.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/stop_signal.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/tiering/tier_up.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringSet.h>

#include <array>
#include <dlfcn.h>

using namespace llvm;

namespace osr {
namespace {

bool asks_for_symbols(const Module &program) {
  return any_of(std::array{"dlsym", "dlvsym"}, [&](const char *name) { return program.getFunction(name); });
}

bool loads_libraries(const Module &program) {
  return any_of(std::array{"dlopen", "dlmopen"}, [&](const char *name) { return program.getFunction(name); });
}

} // namespace

/// Libraries come before the program, which refers to them. Those that refer to the program come when it is there.
Error Runtime::link_program() {
  if (Error error = check_allocation(program()))
    return error;
  if (Error error = define_program_symbols()) // before libraries: they may start threads when they are loaded
    return error;
  StringSet<> replacing;
  for (const Export &known : program().exports)
    if (!known.is_one_of_many)
      replacing.insert(known.name);
  for (const std::string &library : options_.libraries)
    if (library_mentions(library, [&](StringRef symbol) { return replacing.contains(symbol); }))
      late_libraries_.push_back(library);
    else if (Error error = session_->load_library(library))
      return error;
  if (Error error = link_globals()) {
    if (late_libraries_.empty())
      return error;
    return make_error(
        "{}; library '{}' and the program's variables refer to each other, and one of them has to be there first: "
        "let a constructor fill the variables in, or load the library by dlopen",
        toString(std::move(error)), late_libraries_.front());
  }
  if (Error error = show_program())
    return error;
  return late_libraries_.empty() ? check_references() : Error::success();
}

/// As natively: on behalf of the program, whose functions their constructors may call.
Error Runtime::load_late_libraries(ProgramThread &self) {
  for (const std::string &library : late_libraries_) {
    const std::uint64_t handle = osr::enter(self, reinterpret_cast<std::uint64_t>(&CodeSession::open_library),
                                            reinterpret_cast<std::uint64_t>(library.c_str()));
    runs_program = false; // the thread prepares the program's start
    if (Error error = session_->add_library(library, reinterpret_cast<void *>(handle)))
      return error;
  }
  return late_libraries_.empty() ? Error::success() : check_references();
}

/// All names are known, and what weak references mean: what is loaded later does not change that.
Error Runtime::check_references() {
  Undisturbed undisturbed;
  for (const GlobalValue &value : program().module->global_values())
    if (value.hasExternalWeakLinkage())
      session_->process_symbols().find(value.getName());
  return check_symbols(*program().module, *session_);
}

/// The program sees each of its functions under the address of its entry.
Error Runtime::define_program_symbols() {
  set_stop_signal(options_.handshake.signal_number);
  auto of_threads = start_thread_symbols(threads_, exit_program);
  if (!of_threads)
    return of_threads.takeError();
  std::vector<AbsoluteSymbol> symbols = program_exit_symbols();
  append_range(symbols, *of_threads);
  append_range(symbols, personality_symbols(on_exception_landed));
  append_range(symbols, symbol_call_symbols());
  append_range(symbols, loading_call_symbols());
  append_range(symbols, program_segment_symbols());
  append_range(symbols, guard_exit_symbols(on_guard_failed));
  append_range(symbols, deoptimize_symbols(options_.deoptimize));
  append_range(symbols, profile_symbols());
  append_range(symbols, loop_poll_symbols(on_poll, tier_up_ ? on_counted_poll : nullptr));
  if (tier_up_)
    append_range(symbols, heat_symbols(on_heat));
  append_range(symbols, options_.host_symbols);
  for (const char *name : code_begin_symbols)
    symbols.emplace_back(name, arena_->range(SlabKind::Code).begin);
  for (const char *name : code_end_symbols)
    symbols.emplace_back(name, arena_->range(SlabKind::Code).end);
  llvm::erase_if(symbols, [&](const AbsoluteSymbol &symbol) { return program().defines(symbol.first); });
  for (const FunctionInfo &function : program().functions)
    symbols.emplace_back(function.name, entries_->entry_address(function.id));
  for (std::uint8_t vector_bytes : {0, 16, 32, 64})
    for (std::uint8_t x87 : {0, 1, 2}) {
      ResultPad pad = result_pad({.general = true, .vector_bytes = vector_bytes, .x87 = x87});
      symbols.emplace_back(pad.symbol, pad.address);
    }
  return session_->define_symbols(symbols);
}

Error Runtime::link_globals() {
  auto object = compiler_->compile_globals();
  if (!object)
    return object.takeError();
  auto linked = session_->link(std::move(*object));
  if (!linked)
    return linked.takeError();
  const LinkedFunction *first = linked->find_function(first_holder), *last = linked->find_function(last_holder);
  OSR_CHECK(first && last, "the program's globals come without holders");
  code_names_->hide({first->address, last->address + last->size});
  if (Error error = versions_->add_foreign(std::move(*linked)))
    return error;
  std::vector<AbsoluteSymbol> aliases;
  for (const Alias &alias : program().aliases) {
    const std::string control = alias.is_thread_local ? "__emutls_v." : "";
    auto target = session_->lookup(control + alias.target);
    if (!target)
      return target.takeError();
    aliases.emplace_back(control + alias.name, *target + alias.offset);
  }
  return aliases.empty() ? Error::success() : session_->define_symbols(aliases);
}

/// As an executable is seen that exports its symbols.
Error Runtime::show_program() {
  std::vector<ProgramSymbol> symbols, replacing;
  for (const Export &known : program().exports) {
    const FunctionInfo *function = program().find_function(known.name);
    auto address =
        function ? Expected<std::uint64_t>(entries_->entry_address(function->id)) : session_->lookup(known.name);
    if (!address) {
      consumeError(address.takeError()); // nothing is left of it
      continue;
    }
    symbols.push_back({known.name, *address, known.is_function});
    if (is_operator_new_or_delete(known.name))
      set_program_operator(known.name, *address);
    else if (!known.is_one_of_many)
      replacing.push_back(symbols.back());
  }
  const bool loads_more = !options_.libraries.empty() || loads_libraries(*program().module);
  interposition_ = std::make_unique<Interposition>(session_->process_symbols(), *arena_, runs_program_tls_offset());
  if (Error error = interposition_->bind(replacing, loads_more ? Interposition::Later::LibrariesMayBeLoaded
                                                               : Interposition::Later::NothingIsLoaded))
    return error;
  if (loads_more || asks_for_symbols(*program().module))
    loaded_program_ = std::make_unique<LoadedProgram>(symbols, *interposition_, session_->process_symbols());
  if (!loads_more)
    return Error::success();
  for (ProgramSymbol &symbol : symbols)
    symbol.address = interposition_->shown_address(symbol.name, symbol.address);
  auto file = load_symbol_file(symbols);
  if (!file)
    return file.takeError();
  symbol_file_ = *file;
  return Error::success();
}

void Runtime::forget_program() {
  if (!compiler_)
    return; // it was not even set up
  for (const Export &known : program().exports)
    set_program_operator(known.name, 0);
  if (symbol_file_)
    ::dlclose(symbol_file_);
}

} // namespace osr
