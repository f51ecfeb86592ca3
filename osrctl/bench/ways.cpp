#include "osrctl/bench/ways.h"

#include "compiler/base/error.h"
#include "osrctl/attach_words.h"
#include "osrctl/load_input.h"

#include <fmt/ranges.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr StringRef native_way = "native", lli_way = "lli";

/// osrctl itself with these options.
Way osrctl_way(const std::string &name, const std::vector<std::string> &own_options, const BenchProgram &program,
               const WaysOptions &options) {
  Way way(name, {.file = sys::fs::getMainExecutable(nullptr, nullptr), .argv = {"osrctl", "run"}});
  append_range(way.command.argv, own_options);
  for (const std::string &library : options.libraries)
    append_range(way.command.argv, std::initializer_list<std::string>{"--load", library});
  append_range(way.command.argv, program.modules);
  way.command.argv.push_back("--");
  append_range(way.command.argv, program.arguments);
  way.has_statistics = true;
  return way;
}

Way make_native_way(const Module &module, const std::string &bitcode, const std::string &path, NativeOptions options,
                    const std::vector<std::string> &libraries) {
  append_range(options.link_with, libraries);
  Way way(native_way.str(), {.file = path, .argv = {}});
  if (Error error = make_native(module, bitcode, path, options))
    way.problem = toString(std::move(error));
  else
    way.code_bytes = code_bytes_of(path);
  return way;
}

Way make_lli_way(const std::string &lli, const std::string &bitcode, const BenchProgram &program,
                 const std::vector<std::string> &libraries) {
  Way way(lli_way.str(), {.file = lli, .argv = {"lli", "--fake-argv0=" + program.modules.front()}});
  for (const std::string &library : libraries)
    way.command.argv.push_back("--dlopen=" + library);
  way.command.argv.push_back(bitcode);
  append_range(way.command.argv, program.arguments);
  return way;
}

Error write_bitcode(const Module &module, const std::string &path) {
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (!error) {
    WriteBitcodeToFile(module, file);
    file.close();
    error = file.error();
    file.clear_error(); // else LLVM ends the process
  }
  return error ? make_error("cannot write '{}': {}", path, error.message()) : Error::success();
}

bool is_wanted(const WaysOptions &options, StringRef name) { return is_contained(options.names, name); }

} // namespace

ArrayRef<StringRef> usual_ways() {
  static constexpr StringRef names[] = {native_way, lli_way, "plain", "baseline", "optimized", "auto"};
  return names;
}

Expected<OwnWay> parse_own_way(const std::string &text, const WaysOptions &options) {
  const auto [name, words] = StringRef(text).split('=');
  if (name.empty() || words.empty())
    return make_error("--with '{}' has to be NAME=OPTIONS, as in --with 'speculating=--tier auto --speculate'", text);
  const bool is_taken =
      is_contained(usual_ways(), name) || any_of(options.own, [&](const OwnWay &each) { return each.name == name; });
  if (is_taken)
    return make_error("--with '{}': there is a way '{}' already; give it another name", text, name.str());
  return OwnWay{name.str(), split_words(words)};
}

Expected<PreparedProgram> prepare(const BenchProgram &program, const WaysOptions &options, const std::string &folder) {
  LLVMContext context;
  auto module = read_input(context, program.modules);
  if (!module)
    return module.takeError();
  const std::string bitcode = folder + "/program.bc";
  if (Error error = write_bitcode(**module, bitcode))
    return error;
  PreparedProgram result;
  for (StringRef name : usual_ways()) {
    if (!is_wanted(options, name))
      continue;
    const std::string &tool = name == native_way ? options.native.clang : options.lli;
    auto found = sys::findProgramByName(tool);
    if (name != native_way && name != lli_way)
      result.ways.push_back(osrctl_way(name.str(), {"--tier", name.str()}, program, options));
    else if (!found)
      result.notes.push_back(fmt::format("{} is left out: '{}' is not installed", name.str(), tool));
    else if (name == lli_way)
      result.ways.push_back(make_lli_way(*found, bitcode, program, options.libraries));
    else {
      Way way = make_native_way(**module, bitcode, folder + "/native", options.native, options.libraries);
      way.command.argv = {program.modules.front()}; // what the others have as argv[0]
      append_range(way.command.argv, program.arguments);
      result.ways.push_back(std::move(way));
    }
  }
  for (const OwnWay &own : options.own)
    result.ways.push_back(osrctl_way(own.name, own.options, program, options));
  return result;
}

Command with_statistics(const Way &way, const std::string &file) {
  Command result = way.command;
  constexpr std::ptrdiff_t behind_verb = 2;
  if (way.has_statistics)
    result.argv.insert(result.argv.begin() + behind_verb, {"--stats", file});
  return result;
}

} // namespace osr
