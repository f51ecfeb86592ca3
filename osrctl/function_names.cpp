#include "osrctl/function_names.h"

#include "compiler/base/error.h"

#include <fmt/ranges.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Demangle/Demangle.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_functions = 10'000; ///< that are looked at
constexpr std::size_t most_named = 8;       ///< in an error
constexpr std::size_t longest_name = 4096;  ///< that is taken apart: what is nested takes stack

struct Freed {
  void operator()(char *text) const { std::free(text); }
};
using OwnedText = std::unique_ptr<char, Freed>;

bool is_mangled(StringRef name) { return name.starts_with("_Z") && name.size() <= longest_name; }

bool is_said(const OwnedText &text, StringRef said) { return text && said == text.get(); }

/// With or without what it takes, its template's arguments, and what it is in.
bool is_meant(const std::string &name, const std::string &said) {
  ItaniumPartialDemangler parsed;
  if (!is_mangled(name) || parsed.partialDemangle(name.c_str()) || !parsed.isFunction())
    return false;
  const OwnedText whole(parsed.finishDemangle(nullptr, nullptr)), full(parsed.getFunctionName(nullptr, nullptr)),
      base(parsed.getFunctionBaseName(nullptr, nullptr)), taken(parsed.getFunctionParameters(nullptr, nullptr)),
      around(parsed.getFunctionDeclContextName(nullptr, nullptr));
  if (full && taken && said == std::string(full.get()) + taken.get())
    return true;
  const bool has_context = around && *around;
  return is_said(whole, said) || is_said(full, said) || is_said(base, said) ||
         (has_context && base && said == std::string(around.get()) + "::" + base.get());
}

/// What a mangled name of such a function has in it, letter by letter: its own name without what it is in, its template's arguments and what it
/// takes. "": that of an operator, say, is spelled in another way.
std::string certain_part(StringRef said) {
  const StringRef name = said.take_until([](char c) { return c == '<' || c == '('; });
  const auto is_part = [](char c) { return isAlnum(c) || c == '_' || c == '$'; };
  std::size_t begin = name.size();
  while (begin != 0 && is_part(name[begin - 1]))
    --begin;
  const StringRef last = name.drop_front(begin);
  return last == "operator" || name.drop_back(last.size()).rtrim().ends_with("operator") ? "" : last.str();
}

} // namespace

std::string readable_function(const std::string &name) { return is_mangled(name) ? demangle(name) : name; }

Expected<std::string> resolve_function(ControlConnection &connection, const std::string &said) {
  if (is_mangled(said))
    return said;
  auto answer = connection.ask("functions", {{"pattern", certain_part(said)}, {"limit", most_functions}});
  if (!answer)
    return answer.takeError();
  std::vector<std::string> meant;
  const json functions = answer->value("functions", json::array());
  for (const json &function : functions) {
    const std::string name = function.value("function", "");
    if (name == said)
      return said;
    if (is_meant(name, said))
      meant.push_back(name);
  }
  if (meant.empty() ||
      answer->value("total", functions.size()) > functions.size()) // who is not listed may be meant as well
    return said;
  if (meant.size() == 1)
    return meant.front();
  const std::size_t shown = std::min(meant.size(), most_named);
  return make_error("'{}' may be each of {}{}", said, fmt::join(ArrayRef(meant).take_front(shown), ", "),
                    meant.size() > shown ? " and others" : "");
}

} // namespace osr
