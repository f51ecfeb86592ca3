#include "osrctl/load_input.h"

#include "compiler/canonical/load.h"
#include "compiler/target/target.h"
#include "osr-stubs/thread_state.h"
#include "osrctl/bounded_memory.h"
#include "osrctl/commands.h"
#include "osrctl/libcxx_process.h"
#include "runtime/threads/poll_word.h"

#include <fmt/ranges.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/CrashRecoveryContext.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/FileSystem.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>

using namespace llvm;

namespace osr {
namespace {

bool memory_was_out = false;

/// Memory that a read may take is bounded, and asking for more ends it as a crash does.
class OutOfMemoryHandlers {
public:
  OutOfMemoryHandlers() {
    install_bad_alloc_error_handler([](void *, const char *, bool) { give_up(); });
  }
  ~OutOfMemoryHandlers() {
    remove_bad_alloc_error_handler();
    std::set_new_handler(saved_);
  }

private:
  [[noreturn]] static void give_up() {
    memory_was_out = true;
    std::abort();
  }
  std::new_handler saved_ = std::set_new_handler(give_up);
};

/// IR takes some 25 times as much memory as its bitcode, less as text: this is far more. What has no size, as a pipe, may take what
/// the machine has.
std::uint64_t most_memory_to_read(const std::vector<std::string> &paths) {
  constexpr std::uint64_t at_least = std::uint64_t(2) << 30, for_each_byte = 64;
  std::uint64_t bytes = 0;
  for (const std::string &path : paths) {
    sys::fs::file_status status;
    if (sys::fs::status(path, status) || status.type() != sys::fs::file_type::regular_file)
      return std::uint64_t(sysconf(_SC_PHYS_PAGES)) * std::uint64_t(sysconf(_SC_PAGESIZE));
    bytes += status.getSize();
  }
  return at_least + for_each_byte * bytes;
}

/// LLVM's reader trusts bitcode that is well-formed at first sight: a flipped bit can make it crash, or ask for memory without
/// end. What is left of the context is unusable then, and destroying it would crash again, so the process ends at once.
Expected<std::unique_ptr<Module>> read_files(LLVMContext &context, const std::vector<std::string> &paths,
                                             std::vector<ProgramFile> &files) {
  std::optional<Expected<std::unique_ptr<Module>>> module;
  bool survived = false;
  {
    const BoundedMemory bound(most_memory_to_read(paths));
    const OutOfMemoryHandlers handlers;
    CrashRecoveryContext::Enable();
    survived = CrashRecoveryContext().RunSafely([&] { module.emplace(load_program(context, paths, files)); });
  }
  if (!survived) {
    std::fprintf(stderr, "osrctl: %s: damaged: %s; compile %s again\n", fmt::to_string(fmt::join(paths, ", ")).c_str(),
                 memory_was_out ? "LLVM's reader needs too much memory" : "LLVM's reader crashed",
                 paths.size() == 1 ? "it" : "them");
    std::_Exit(exit_failure);
  }
  CrashRecoveryContext::Disable();
  return std::move(*module);
}

Expected<CanonicalProgram> make_canonical(std::unique_ptr<Module> module, KeepSource keep_source) {
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  return canonicalize(std::move(module), **machine, keep_source);
}

} // namespace

void add_program_option(CLI::App &command, std::vector<std::string> &paths) {
  command.add_option("program", paths, "Bitcode or text IR; several modules are linked")->type_name("FILE")->required();
}

void add_library_option(CLI::App &command, std::vector<std::string> &libraries) {
  command.add_option("--load", libraries, "Load a shared library first (may be repeated)")
      ->type_name("LIB.so")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_stubs_option(CLI::App &command, std::string &stubs) {
  command.add_option("--stubs", stubs, "How transitions are executed")
      ->check(one_of(stub_kinds))
      ->capture_default_str();
}

void add_fault_option(CLI::App &command, std::string &fault) {
  command.add_option("--fault", fault, "Make one transition wrong: record:N, slot:N, callee-saved:N")->group("");
}

Expected<std::unique_ptr<Module>> read_input(LLVMContext &context, const std::vector<std::string> &paths) {
  std::vector<ProgramFile> files;
  return read_files(context, paths, files);
}

Expected<CanonicalProgram> load_input(LLVMContext &context, const std::vector<std::string> &paths) {
  auto module = read_input(context, paths);
  if (!module)
    return module.takeError();
  return make_canonical(std::move(*module), KeepSource::No);
}

Expected<CanonicalProgram> load_input_to_link(LLVMContext &context, const std::vector<std::string> &paths,
                                              KeepSource keep_source) {
  std::vector<ProgramFile> files;
  auto module = read_files(context, paths, files);
  if (!module)
    return module.takeError();
  if (Error error = enter_process_for(**module, paths))
    return error;
  auto program = make_canonical(std::move(*module), keep_source);
  if (program)
    program->files = std::move(files);
  return program;
}

Expected<std::unique_ptr<Compiler>> load_compiler(LLVMContext &context, const std::vector<std::string> &paths) {
  auto program = load_input(context, paths);
  if (!program)
    return program.takeError();
  auto compiler = Compiler::create(std::move(*program), {.object_stack_offset = object_stack_tls_offset(),
                                                         .poll_word_offset = poll_word_tls_offset()});
  const AloneWithEngine alone;
  if (compiler)
    (*compiler)->number_all();
  return compiler;
}

int print(const std::string &text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int report(Error error) {
  std::fprintf(stderr, "osrctl: %s\n", toString(std::move(error)).c_str());
  return exit_failure;
}

int report_usage(Error error) {
  report(std::move(error));
  return exit_usage;
}

} // namespace osr
