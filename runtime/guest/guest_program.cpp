#include "runtime/guest/guest_program.h"

#include "compiler/base/error.h"
#include "compiler/codegen/linker_symbols.h"
#include "runtime/code/library_file.h"
#include "runtime/engine/intern_name.h"
#include "runtime/guest/memory_calls.h"
#include "runtime/guest/personality.h"
#include "runtime/guest/program_exit.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/program_operators.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringSet.h>

#include <array>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

bool asks_for_symbols(const Module &program) {
  return any_of(std::array{"dlsym", "dlvsym"}, [&](const char *name) { return program.getFunction(name); });
}

bool loads_libraries(const Module &program) {
  return any_of(std::array{"dlopen", "dlmopen"}, [&](const char *name) { return program.getFunction(name); });
}

/// Whatever version of them the program asks for, as "fork@GLIBC_2.2.5": it gets ours.
void add_versions(std::vector<AbsoluteSymbol> &symbols, const Module &program) {
  StringMap<std::uint64_t> addresses;
  for (const auto &[name, address] : symbols)
    addresses[name] = address;
  for (const Function &function : program)
    if (const auto [name, version] = function.getName().split('@'); function.isDeclaration() && !version.empty())
      if (const auto known = addresses.find(name); known != addresses.end())
        symbols.emplace_back(function.getName().str(), known->second);
}

std::vector<AbsoluteSymbol> library_calls(const Module &program) {
  std::vector<AbsoluteSymbol> symbols = start_thread_symbols();
  append_range(symbols, symbol_call_symbols());
  append_range(symbols, loading_call_symbols());
  append_range(symbols, memory_call_symbols());
  append_range(symbols, program_segment_symbols());
  add_versions(symbols, program);
  return symbols;
}

std::vector<const char *> names_of(const CanonicalProgram &program) {
  std::vector<const char *> names;
  names.reserve(program.functions.size());
  for (const FunctionInfo &function : program.functions)
    names.push_back(intern_name(function.name));
  return names;
}

} // namespace

GuestProgram::GuestProgram(Engine &engine, std::vector<std::string> libraries, Process process, LibraryCalls calls)
    : engine_(engine), process_(process), calls_(calls), libraries_(std::move(libraries)),
      fde_finder_(engine.arena().addresses(), engine.registry(), engine.stub_table(), engine.entries()),
      code_names_(engine.arena().addresses(), engine.registry(), engine.stub_table(), engine.entries(),
                  names_of(engine.program())),
      segments_(engine.arena()) {
  if (process_ == Process::OfProgram)
    whole_process_.emplace();
}

GuestProgram::~GuestProgram() {
  for (const Export &known : engine_.program().exports)
    set_program_operator(known.name, 0);
  if (symbol_file_)
    ::dlclose(symbol_file_);
}

bool GuestProgram::may_handle_signals() const {
  return process_ == Process::OfHost || osr::may_handle_signals(engine_.program(), libraries_);
}

Error GuestProgram::link(std::vector<AbsoluteSymbol> symbols) {
  if (Error error = check_allocation(engine_.program()))
    return error;
  if (Error error = watch_ends_of_threads(engine_.threads()))
    return error;
  if (Error error = define_symbols(std::move(symbols))) // before libraries: these may start threads
    return error;
  if (Error error = load_libraries())
    return error;
  if (Error error = link_globals())
    return error;
  if (Error error = show())
    return error;
  return late_libraries_.empty() ? check_references() : Error::success();
}

Error GuestProgram::load_libraries() {
  StringSet<> replacing;
  for (const Export &known : engine_.program().exports)
    if (!known.is_one_of_many)
      replacing.insert(known.name);
  for (const std::string &library : libraries_)
    if (library_mentions(library, [&](StringRef symbol) { return replacing.contains(symbol); }))
      late_libraries_.push_back(library);
    else if (Error error = engine_.session().load_library(library))
      return error;
  return Error::success();
}

Error GuestProgram::load_late_libraries(ProgramThread &self) {
  for (const std::string &library : late_libraries_) {
    const std::uint64_t handle = enter(self, reinterpret_cast<std::uint64_t>(&CodeSession::open_library),
                                       reinterpret_cast<std::uint64_t>(library.c_str()));
    runs_program = false; // the thread prepares the program's start
    if (Error error = engine_.session().add_library(library, reinterpret_cast<void *>(handle)))
      return error;
  }
  return late_libraries_.empty() ? Error::success() : check_references();
}

/// All names are known, and what weak references mean: what is loaded later does not change that.
Error GuestProgram::check_references() {
  Undisturbed undisturbed;
  const Module &module = *engine_.program().module;
  for (const GlobalValue &value : module.global_values())
    if (value.hasExternalWeakLinkage())
      engine_.session().process_symbols().find(value.getName());
  if (!libraries_.empty() ||
      loads_libraries(module)) // later a constructor may have the dynamic linker's lock, and call us
    engine_.session().process_symbols().find_what_compilers_call(module.getTargetTriple());
  return check_symbols(module, engine_.session());
}

/// The program sees each of its functions under the address of its entry.
Error GuestProgram::define_symbols(std::vector<AbsoluteSymbol> others) {
  std::vector<AbsoluteSymbol> symbols = personality_symbols();
  if (process_ == Process::OfProgram)
    append_range(symbols, program_exit_symbols());
  if (calls_ == LibraryCalls::Ours)
    if (Error error = engine_.session().define_library(library_calls(*engine_.program().module)))
      return error;
  append_range(symbols, others);
  const Extent code = engine_.arena().range(SlabKind::Code);
  for (const char *name : code_begin_symbols)
    symbols.emplace_back(name, code.begin);
  for (const char *name : code_end_symbols)
    symbols.emplace_back(name, code.end);
  llvm::erase_if(symbols, [&](const AbsoluteSymbol &symbol) { return engine_.program().defines(symbol.first); });
  return engine_.define_symbols(std::move(symbols));
}

Error GuestProgram::link_globals() {
  auto holders = engine_.link_globals();
  if (holders) {
    code_names_.hide(*holders);
    return Error::success();
  }
  if (late_libraries_.empty())
    return holders.takeError();
  return make_error("{}; library '{}' and the program's variables refer to each other, and one of them has to be there "
                    "first: let a constructor fill the variables in, or load the library by dlopen",
                    toString(holders.takeError()), late_libraries_.front());
}

/// As an executable is seen that exports its symbols.
Error GuestProgram::show() {
  const CanonicalProgram &program = engine_.program();
  ProcessSymbols &process = engine_.session().process_symbols();
  std::vector<ProgramSymbol> symbols, replacing;
  for (const Export &known : program.exports) {
    const FunctionInfo *function = program.find_function(known.name);
    auto address = function ? Expected<std::uint64_t>(engine_.entries().entry_address(EntryId(function->id)))
                            : engine_.session().lookup(known.name);
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
  const bool loads_more = !libraries_.empty() || loads_libraries(*program.module);
  interposition_ = std::make_unique<Interposition>(process, engine_.arena(), runs_program_tls_offset());
  if (Error error = interposition_->bind(replacing, loads_more ? Interposition::Later::LibrariesMayBeLoaded
                                                               : Interposition::Later::NothingIsLoaded))
    return error;
  if (loads_more || asks_for_symbols(*program.module))
    loaded_ = std::make_unique<LoadedProgram>(engine_.arena().addresses(), symbols, *interposition_, process);
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

void GuestProgram::install() {
  fde_finder_.install();
  code_names_.install();
  segments_.install();
}

/// One behind the other, as the kernel lays them: programs write a title over all of them.
void GuestProgram::set_arguments(const std::vector<std::string> &arguments) {
  argument_text_.clear();
  for (const std::string &argument : arguments)
    argument_text_.append(argument.c_str(), std::strlen(argument.c_str()) + 1); // its null, too
  argv_.clear();
  char *next = argument_text_.data();
  for (std::size_t i = 0; i < arguments.size(); ++i, next += std::strlen(next) + 1)
    argv_.push_back(next);
  argv_.push_back(nullptr);
  if (!arguments.empty())
    name_.emplace(argv_.front());
}

/// A handler of the program may look something up, too.
Expected<std::uint64_t> GuestProgram::look_up(StringRef name) {
  Undisturbed undisturbed;
  return engine_.session().lookup(name);
}

Error GuestProgram::run(const std::vector<StaticAction> &actions) {
  ProgramThread *self = ThreadRegistry::current();
  if (!self)
    return make_error("constructors and destructors need a thread of the program");
  for (const StaticAction &action : actions) {
    auto address = look_up(action.function);
    if (!address)
      return address.takeError();
    enter(*self, *address, argument_count(), reinterpret_cast<std::uint64_t>(argv_.data()),
          reinterpret_cast<std::uint64_t>(environ));
  }
  return Error::success();
}

} // namespace osr
