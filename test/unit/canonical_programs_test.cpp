// Puts every program of test/programs through canonicalisation, as a front end writes it at several levels, and compares what
// some of them print with what plain clang makes of them.
#include "canonical_fixture.h"

#include "compiler/canonical/load.h"
#include "compiler/canonical/lower_objects.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Verifier.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/raw_ostream.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ostream>

using namespace llvm;
using namespace osr;

namespace {

const std::string compiled = OSR_COMPILED_PROGRAMS; // by the target test_programs

class TemporaryDirectory {
public:
  TemporaryDirectory() { REQUIRE_FALSE(sys::fs::createUniqueDirectory("canonical", path_)); }
  ~TemporaryDirectory() { sys::fs::remove_directories(path_); }
  std::string file(const char *name) const { return (path_ + "/" + name).str(); }

private:
  SmallString<128> path_;
};

std::vector<std::string> all_bitcode() {
  std::vector<std::string> found;
  std::error_code error;
  for (sys::fs::directory_iterator at(compiled, error), end; at != end && !error; at.increment(error))
    if (sys::path::extension(at->path()) == ".bc")
      found.push_back(at->path());
  std::ranges::sort(found);
  return found;
}

/// What -O0 says of each function by itself; the drivers ask clang to leave it out.
void forbid_optimisation(Module &module) {
  for (Function &function : module)
    if (!function.isDeclaration() && !function.hasFnAttribute(Attribute::AlwaysInline)) {
      function.addFnAttr(Attribute::NoInline);
      function.addFnAttr(Attribute::OptimizeNone);
    }
}

CanonicalProgram load(CanonicalFixture &fixture, const std::string &path, bool is_optnone = false) {
  auto module = load_program(fixture.context(), {path});
  if (!module)
    FAIL(toString(module.takeError()));
  if (is_optnone)
    forbid_optimisation(**module);
  auto program = canonicalize(std::move(*module), fixture.machine());
  if (!program)
    FAIL(toString(program.takeError()));
  return std::move(*program);
}

std::string content(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path);
  REQUIRE(bool(buffer));
  return (*buffer)->getBuffer().str();
}

struct Outcome {
  int status = 0;
  std::string output;
  friend bool operator==(const Outcome &, const Outcome &) = default;
};

std::ostream &operator<<(std::ostream &stream, const Outcome &outcome) {
  return stream << "status " << outcome.status << ":\n" << outcome.output;
}

Outcome run_native(const std::string &path, const std::string &file) {
  sys::fs::remove(file); // redirection does not truncate
  int status = sys::ExecuteAndWait(path, {path, "5"}, std::nullopt, {std::nullopt, StringRef(file)});
  return {status, content(file)};
}

/// Runs `main` in a child process, for programs exit, raise signals and write to the standard output.
Outcome run_main(CanonicalFixture &fixture, CanonicalProgram program, const std::string &file) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    if (!std::freopen(file.c_str(), "w", stdout))
      _exit(100);
    run(std::move(program.module), fixture.machine(), "main", [](void *address) {
      char name[] = "program", scale[] = "5";
      char *arguments[] = {name, scale, nullptr};
      std::exit(reinterpret_cast<int (*)(int, char **)>(address)(2, arguments));
    });
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), content(file)};
}

} // namespace

TEST_CASE("every program has a canonical form at every level", "[programs]") {
  auto files = all_bitcode();
  INFO("cmake --build BUILD --target test_programs makes " << compiled << "; ctest does so by itself");
  REQUIRE_FALSE(files.empty());
  for (const std::string &file : files)
    for (bool is_optnone : {false, true}) {
      if (is_optnone && !StringRef(file).ends_with("-O0.bc"))
        continue;
      CanonicalFixture fixture;
      INFO(file);
      CanonicalProgram program = load(fixture, file, is_optnone); // checks the form itself
      lower_objects(*program.module, -64);
      REQUIRE_FALSE(verifyModule(*program.module, &errs()));
    }
}

TEST_CASE("canonical programs compute what they did", "[programs]") {
  TemporaryDirectory directory;
  for (const char *name : {"struct_abi", "vla_alloca", "computed_goto_vm", "escaping_locals", "exceptions_longjmp",
                           "varargs_formatter", "vectors_sse", "vectors_avx", "tail_calls"}) {
    std::string base = compiled + "/" + name;
    INFO(base);
    Outcome expected = run_native(base + ".native", directory.file("expected"));
    for (const char *level : {"-O0.bc", "-O2.bc"}) {
      CanonicalFixture fixture;
      CanonicalProgram program = load(fixture, base + level, StringRef(level) == "-O0.bc");
      CHECK(run_main(fixture, std::move(program), directory.file("got")) == expected);
      CanonicalProgram again = load(fixture, base + level);
      fixture.optimize(*again.module);
      CHECK(run_main(fixture, std::move(again), directory.file("got")) == expected);
    }
  }
}
