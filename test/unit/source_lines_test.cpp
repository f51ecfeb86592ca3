// Check that functions of modules that were added have the lines of their source, for hosts and for debuggers, and that these go
// with their module.
#include "grow_fixture.h"

#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/ExecutionEngine/JITEventListener.h>
#include <llvm/Object/ELFObjectFile.h>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

// GDB's list of in-memory files.
extern "C" {
struct jit_code_entry {
  jit_code_entry *next, *previous;
  const char *file;
  std::uint64_t size;
};
struct jit_descriptor {
  std::uint32_t version, action;
  jit_code_entry *relevant, *first;
};
extern jit_descriptor __jit_debug_descriptor;
}

using namespace llvm;
using Catch::Matchers::Equals;

namespace osr {
namespace {

using Lines = std::vector<std::string>;

Runtime *seen_runtime = nullptr; ///< the runtime of the test
Lines shown; ///< by the library
Lines debugged; ///< by what debuggers read

/// What a debugger finds for an address of compiled code.
std::string line_for_debuggers(std::uint64_t pc) {
  for (const jit_code_entry *entry = __jit_debug_descriptor.first; entry; entry = entry->next) {
    auto file = object::ObjectFile::createELFObjectFile(MemoryBufferRef({entry->file, entry->size}, "code"));
    if (!file) {
      consumeError(file.takeError());
      continue;
    }
    const auto context = DWARFContext::create(**file);
    const auto found = context->getLineInfoForAddress({pc, object::SectionedAddress::UndefSection},
                                                      {DILineInfoSpecifier::FileLineInfoKind::AbsoluteFilePath});
    if (found && found->FileName != DILineInfo::BadString)
      return fmt::format("{}:{}", found->FileName, found->Line);
  }
  return "?";
}

std::uint64_t look_at_lines(std::uint64_t x) {
  shown.clear();
  cantFail(seen_runtime->for_each_activation(
      [](const Activation &activation) {
        shown.push_back(fmt::format("{} {}:{}", activation.function, activation.file, activation.line));
        return true;
      },
      gettid()));
  debugged.push_back(line_for_debuggers(std::uint64_t(__builtin_return_address(0)) - 1));
  return x;
}

/// A function that calls another one in its second line, with the debug information of a front end.
std::string function_in(const std::string &file, unsigned line, const std::string &name, const std::string &callee,
                        const std::string &attributes = "") {
  return fmt::format(R"(
    declare i64 @{callee}(i64)
    define i64 @{name}(i64 %x) {attributes} !dbg !3 {{
      %more = add i64 %x, 1, !dbg !6
      %y = call i64 @{callee}(i64 %more), !dbg !7
      %z = mul i64 %y, 2, !dbg !8
      ret i64 %z, !dbg !8
    }}
    !llvm.dbg.cu = !{{!0}}
    !llvm.module.flags = !{{!2}}
    !0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "test", isOptimized: false, emissionKind: FullDebug)
    !1 = !DIFile(filename: "{file}", directory: "/where/it/is")
    !2 = !{{i32 2, !"Debug Info Version", i32 3}}
    !3 = distinct !DISubprogram(name: "{name}", scope: !1, file: !1, line: {line}, type: !4, scopeLine: {line}, spFlags: DISPFlagDefinition, unit: !0)
    !4 = !DISubroutineType(types: !5)
    !5 = !{{null}}
    !6 = !DILocation(line: {line}, column: 3, scope: !3)
    !7 = !DILocation(line: {second}, column: 5, scope: !3)
    !8 = !DILocation(line: {third}, column: 7, scope: !3))",
                     fmt::arg("callee", callee), fmt::arg("name", name), fmt::arg("attributes", attributes),
                     fmt::arg("file", file), fmt::arg("line", line), fmt::arg("second", line + 1),
                     fmt::arg("third", line + 2));
}

std::unique_ptr<Runtime> runtime_at(Tier tier) {
  auto runtime = runtime_with({}, {.tier = tier});
  cantFail(runtime->define({{"look_at_lines", reinterpret_cast<std::uint64_t>(&look_at_lines)}}));
  seen_runtime = runtime.get();
  debugged.clear();
  return runtime;
}

TEST_CASE("Activations of modules that were added have their files and lines, inlined across modules or not") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  auto runtime = runtime_at(tier);
  cantFail(runtime->add(module_of(function_in("leaf.l", 100, "leaf", "look_at_lines", "alwaysinline"))));
  cantFail(runtime->add(module_of(function_in("outer.l", 7, "outer", "leaf"))));
  cantFail(runtime->add(module_of("declare i64 @outer(i64)\n"
                                  "define i64 @bare(i64 %x) { %y = call i64 @outer(i64 %x)\n ret i64 %y }")));
  CHECK(call(*runtime, "bare", 5) == 28);
  CHECK_THAT(shown, Equals(Lines{"leaf leaf.l:101", "outer outer.l:8", "bare :0"}));
  debugged
      .clear(); // of a function without debug information debuggers are told nothing, not even of what was inlined into it
  CHECK(call(*runtime, "outer", 5) == 28);
  CHECK_THAT(debugged, Equals(Lines{"/where/it/is/leaf.l:101"}));
  cantFail(runtime->replace("outer", {.to = Tier::Baseline}));
  CHECK(call(*runtime, "outer", 5) == 28);
  CHECK_THAT(shown, Equals(Lines{"leaf leaf.l:101", "outer outer.l:8"}));
}

TEST_CASE("Lines are those of the body that an activation is in") {
  auto runtime = runtime_at(Tier::Baseline);
  const ModuleId module = cantFail(runtime->add(module_of(function_in("f.l", 10, "f", "look_at_lines"))));
  CHECK(call(*runtime, "f", 5) == 12);
  const std::string edited = function_in("edited.l", 50, "f", "look_at_lines");
  cantFail(runtime->redefine("f", MemoryBufferRef(edited, "edited")));
  CHECK(call(*runtime, "f", 5) == 12);
  CHECK_THAT(shown, Equals(Lines{"f edited.l:51"}));
  cantFail(runtime->remove(module));
  CHECK_FALSE(runtime->reclaim());
  cantFail(runtime->add(module_of(function_in("g.l", 1, "g", "look_at_lines")))); // has the id that f had
  CHECK(call(*runtime, "g", 5) == 12);
  CHECK_THAT(shown, Equals(Lines{"g g.l:2"}));
  CHECK_THAT(debugged, Equals(Lines{"/where/it/is/f.l:11", "/where/it/is/edited.l:51", "/where/it/is/g.l:2"}));
}

std::size_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_CASE("Lines of modules that come and go leave no memory behind, though no two have one in common") {
  constexpr unsigned warm = 100, rounds = 400;
  constexpr std::size_t allowed = 256; ///< bytes a round: the names of files alone take more if they stay
  auto runtime = runtime_at(Tier::Optimized);
  std::size_t before = 0;
  for (unsigned i = 0; i < warm + rounds; ++i) {
    if (i == warm)
      before = heap_bytes();
    const std::string file = fmt::format("{}-{}.l", std::string(200, 'x'), i);
    const ModuleId module = cantFail(runtime->add(module_of(function_in(file, 3 * i + 1, "f", "look_at_lines"))));
    REQUIRE(call(*runtime, "f", 5) == 12);
    cantFail(runtime->replace("f", {.to = i % 2 ? Tier::Baseline : Tier::Optimized}));
    cantFail(runtime->remove(module));
    REQUIRE_FALSE(runtime->reclaim());
    debugged.clear();
  }
  CHECK(heap_bytes() < before + rounds * allowed);
}

} // namespace
} // namespace osr
