#include "osrctl/recorded_flags.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>

#include <set>
#include <unistd.h>
#include <vector>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

// Which file is compiled, and what else comes out of it: not for this time.
constexpr StringRef dropped[] = {"-c",
                                 "-S",
                                 "-emit-llvm",
                                 "-M",
                                 "-MM",
                                 "-MD",
                                 "-MMD",
                                 "-MP",
                                 "-MG",
                                 "-MV",
                                 "-v",
                                 "-pipe",
                                 "--",
                                 "-grecord-command-line",
                                 "-frecord-command-line",
                                 "-grecord-gcc-switches",
                                 "-frecord-gcc-switches"},
                    dropped_with_next[] =
                        {"-o", "-MF", "-MT", "-MQ", "-MJ", "-serialize-diagnostics", "--serialize-diagnostics"},
                    dropped_beginnings[] = {"-save-temps",
                                            "--save-temps",
                                            "-ftime-trace",
                                            "-fstack-usage",
                                            "-MF",
                                            "-MT",
                                            "-MQ",
                                            "-MJ",
                                            "-o",
                                            "-fdiagnostics-color",
                                            "-fcolor-diagnostics",
                                            "-fno-color-diagnostics"};
// What says how. Nothing that loads code into the compiler, or has it write files.
constexpr StringRef taken_with_next[] = {"-D",
                                         "-U",
                                         "-I",
                                         "-F",
                                         "-x",
                                         "-include",
                                         "-imacros",
                                         "-isystem",
                                         "-iquote",
                                         "-idirafter",
                                         "-isysroot",
                                         "-iprefix",
                                         "-iwithprefix",
                                         "-iwithprefixbefore",
                                         "-target",
                                         "--sysroot",
                                         "-working-directory"},
                    taken_beginnings[] = {"-D",      "-U",         "-I",        "-F",         "-O",
                                          "-g",      "-f",         "-m",        "-W",         "-std=",
                                          "--std=",  "-stdlib=",   "--target=", "--sysroot=", "-isystem",
                                          "-iquote", "-idirafter", "-pedantic", "-nostdinc",  "--driver-mode="},
                    taken[] = {"-w", "-pthread", "-ansi", "-trigraphs", "-undef", "-no-canonical-prefixes"},
                    refused_beginnings[] = {"-fplugin",
                                            "-fpass-plugin",
                                            "-fsave-optimization-record",
                                            "-foptimization-record",
                                            "-fproc-stat-report",
                                            "-ftest-coverage",
                                            "-fcrash-diagnostics",
                                            "-fmodule",
                                            "-fimplicit-module",
                                            "-fbuild-session",
                                            "-fuse-",
                                            "-fdepfile",
                                            "-mllvm",
                                            "-Wp,",
                                            "-Wa,",
                                            "-Wl,",
                                            "-gsplit-dwarf",
                                            "-fprebuilt",
                                            "-fapi-notes"},
                    taken_behind_xclang[] = {"-disable-llvm-passes", "-disable-llvm-optzns", "-disable-O0-optnone"};

bool begins_with_one_of(StringRef word, ArrayRef<StringRef> beginnings) {
  return any_of(beginnings, [word](StringRef beginning) { return word.starts_with(beginning); });
}

bool is_source_word(StringRef word) {
  return is_contained({".c", ".cc", ".cp", ".cpp", ".cxx", ".c++", ".C"}, sys::path::extension(word));
}

/// As the compiler writes it down: a backslash is in front of spaces and backslashes, and nothing else is done.
std::vector<std::string> words_of_record(StringRef text) {
  std::vector<std::string> words;
  bool is_in_word = false;
  for (std::size_t i = 0; i != text.size(); ++i) {
    if (text[i] == ' ') {
      is_in_word = false;
      continue;
    }
    if (text[i] == '\\' && i + 1 != text.size())
      ++i;
    if (!is_in_word)
      words.emplace_back();
    is_in_word = true;
    words.back() += text[i];
  }
  return words;
}

std::string escaped_word(StringRef word) {
  std::string text;
  for (char c : word) {
    if (!isAlnum(c) && !StringRef("-_=./,+:").contains(c))
      text += '\\';
    text += c;
  }
  return text + ' ';
}

Error not_to_be_taken(StringRef word) {
  return make_error("the program's source was compiled with '{}', which is not taken from a program: say --flags",
                    word.str());
}

/// Without the compiler's name in front.
Expected<std::string> flags_in(ArrayRef<std::string> words) {
  std::string flags = escaped_word("-O0"); // what it is if the rest says nothing of it
  for (std::size_t i = 0; i < words.size(); ++i) {
    const StringRef word = words[i], next = i + 1 < words.size() ? words[i + 1] : StringRef();
    if (is_contained(dropped_with_next, word)) {
      ++i;
    } else if (is_contained(taken_with_next, word) || (word == "-Xclang" && is_contained(taken_behind_xclang, next))) {
      flags += escaped_word(word) + escaped_word(next);
      ++i;
    } else if (begins_with_one_of(word, refused_beginnings)) {
      return not_to_be_taken(word);
    } else if (is_contained(dropped, word) || begins_with_one_of(word, dropped_beginnings) || is_source_word(word)) {
      continue;
    } else if (is_contained(taken, word) || begins_with_one_of(word, taken_beginnings)) {
      flags += escaped_word(word);
    } else {
      return not_to_be_taken(word == "-Xclang" ? word.str() + " " + next.str() : word.str());
    }
  }
  return flags;
}

Expected<std::string> flags_of(const json &unit) {
  const std::vector<std::string> words = words_of_record(unit.value("command", ""));
  auto flags = flags_in(ArrayRef(words).drop_front(words.empty() ? 0 : 1));
  if (const std::string folder = unit.value("directory", "");
      flags && sys::path::is_absolute(folder) && sys::fs::is_directory(folder))
    *flags += escaped_word("-working-directory") + escaped_word(folder);
  return flags;
}

std::string path_of(const json &unit) {
  SmallString<256> path(unit.value("source", ""));
  sys::path::make_absolute(unit.value("directory", ""), path);
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return path.str().str();
}

/// What was made of the source itself, or of one of its name; else all.
std::vector<json> units_for(const std::vector<json> &units, const std::string &source) {
  SmallString<256> own(source);
  (void)sys::fs::make_absolute(own);
  sys::path::remove_dots(own, /*remove_dot_dot=*/true);
  std::vector<json> same_path, same_name;
  for (const json &unit : units) {
    const std::string path = path_of(unit);
    if (path == own)
      same_path.push_back(unit);
    if (sys::path::filename(path) == sys::path::filename(own))
      same_name.push_back(unit);
  }
  return !same_path.empty() ? same_path : !same_name.empty() ? same_name : units;
}

} // namespace

Expected<std::string> flags_for(ControlConnection &connection, const std::string &source, const std::string &said) {
  if (!said.empty() || !is_source_word(source) || connection.owner() != ::geteuid())
    return said;
  auto answer = connection.ask("files", json::object());
  if (!answer) {
    consumeError(answer.takeError()); // it was not compiled with -g
    return said;
  }
  std::vector<json> units;
  for (const json &file : answer->value("files", json::array()))
    for (const json &unit : file.value("units", json::array()))
      units.push_back(unit);
  std::set<std::string> all;
  const std::vector<json> meant = units_for(units, source);
  for (const json &unit : meant) {
    if (!unit.contains("command")) {
      all.insert(said);
      continue;
    }
    auto flags = flags_of(unit);
    if (!flags)
      return flags.takeError();
    all.insert(*flags);
  }
  if (all.size() <= 1)
    return all.empty() ? said : *all.begin();
  if (none_of(meant,
              [&](const json &unit) { return sys::path::filename(path_of(unit)) == sys::path::filename(source); }))
    return said; // it is none of the program's
  return make_error("the program has several sources '{}', which were not compiled in the same way: say --flags",
                    sys::path::filename(source).str());
}

} // namespace osr
