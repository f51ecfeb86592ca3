#include "osrctl/program_symbols.h"

#include "compiler/base/error.h"
#include "osrctl/new_body.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>

using Json = nlohmann::json; // LLVM's passes have a namespace json
using namespace llvm;

namespace osr {

namespace {

enum class Names : std::uint8_t { Static, OfAllFiles };

Expected<Json> ask_for(ControlConnection &connection, const Module &module, Names which) {
  Json names = Json::array();
  for (const GlobalValue &value : module.global_values())
    if (!value.isDeclaration() && !value.getName().starts_with("llvm.") && !is_own_constant(value) &&
        value.hasLocalLinkage() == (which == Names::Static))
      names.push_back(value.getName().str());
  Json parameters{{"names", std::move(names)}};
  if (which == Names::Static) {
    SmallString<256> path(module.getSourceFileName());
    (void)sys::fs::make_absolute(path);
    parameters["source"] = path.str().str();
  }
  auto answer = connection.ask("symbols", parameters);
  return answer ? Expected<Json>(answer->value("symbols", Json::object())) : answer.takeError();
}

} // namespace

Expected<Json> symbols_of(ControlConnection &connection, const Module &module) {
  auto symbols = ask_for(connection, module, Names::OfAllFiles), of_file = ask_for(connection, module, Names::Static);
  if (!symbols || !of_file)
    return joinErrors(symbols.takeError(), of_file.takeError());
  symbols->update(*of_file);
  return symbols;
}

Error check_which(const GlobalValue &value, const Json &symbols) {
  const std::string name = value.getName().str();
  if (!value.hasLocalLinkage() || symbols.value(name, Json::object()).value("candidates", 0u) <= 1)
    return Error::success();
  return make_error("the program has several '{}', and not one of them is known to be of a file '{}': which is meant "
                    "cannot be told",
                    name, sys::path::filename(value.getParent()->getSourceFileName()).str());
}

std::string without_number(StringRef symbol) {
  const auto [name, number] = symbol.rsplit('.');
  return !number.empty() && all_of(number, isDigit) ? name.str() : symbol.str();
}

std::string symbol_for(const std::string &name, const Json &symbols) {
  return symbols.value(name, Json::object()).value("symbol", name);
}

Error use_symbol_of(GlobalValue &value, const Json &symbols) {
  const std::string symbol = symbol_for(value.getName().str(), symbols);
  if (symbol == value.getName())
    return Error::success();
  if (value.getParent()->getNamedValue(symbol))
    return make_error("'{}' is '{}' in the program, and something else in the file", value.getName().str(), symbol);
  value.setName(symbol);
  return Error::success();
}

} // namespace osr
