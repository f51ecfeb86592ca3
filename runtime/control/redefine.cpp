// New bodies, and what a client has to know to make one.
#include "compiler/base/error.h"
#include "runtime/control/control.h"
#include "runtime/control/type_text.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Base64.h>
#include <llvm/Support/Path.h>

#include <optional>
#include <vector>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t most_index = std::numeric_limits<std::uint32_t>::max();

Expected<std::uint32_t> index_at(const json &object, const char *key) {
  const json index = object.value(key, json());
  if (!index.is_number_unsigned() || index.get<std::uint64_t>() > most_index)
    return make_error("in 'site_map', '{}' has to be a number", key);
  return std::uint32_t(index.get<std::uint64_t>());
}

Expected<ValueMapping> value_from(const json &value) {
  if (!value.is_object() || value.size() != 1)
    return make_error("in 'site_map', a value has to be an object with 'from' or 'constant'");
  if (value.contains("from")) {
    auto from = index_at(value, "from");
    return from ? Expected<ValueMapping>(ValueMapping{*from}) : from.takeError();
  }
  const json constant = value.value("constant", json());
  if (!constant.is_number_integer())
    return make_error("in 'site_map', a value has to be an object with 'from' or 'constant'");
  ValueMapping mapping;
  mapping.constant =
      constant.is_number_unsigned() ? constant.get<std::uint64_t>() : std::uint64_t(constant.get<std::int64_t>());
  return mapping;
}

/// [{"from": 3, "to": 4, "values": [{"from": 0}, {"constant": 17}]}].
Expected<SiteMap> site_map_from(const json &list) {
  SiteMap map;
  for (const json &object : list) {
    if (!object.is_object() || !object.value("values", json()).is_array())
      return make_error("in 'site_map', an entry has to be an object with 'from', 'to' and 'values'");
    auto from = index_at(object, "from"), to = index_at(object, "to");
    if (!from || !to)
      return joinErrors(from.takeError(), to.takeError());
    SiteMapping mapping{*from, *to, {}};
    for (const json &value : object["values"]) {
      auto read = value_from(value);
      if (!read)
        return read.takeError();
      mapping.values.push_back(*read);
    }
    map.push_back(std::move(mapping));
  }
  return map;
}

Expected<RedefineOptions> options_from(const RpcRequest &request) {
  RedefineOptions options;
  options.same_sites = flag_of(request, "same_sites");
  options.same_sites_if_same_shape = true;
  options.find_site_map = true;
  options.keep_old_body = true;
  options.to = tier_from(text_of(request, "to", "optimized"));
  auto map = site_map_from(request.parameters.value("site_map", json::array()));
  if (!map)
    return map.takeError();
  options.site_map = std::move(*map);
  return options;
}

json describe(const SiteReport &site) {
  json described{{"function", site.function}, {"from", site.from}};
  if (site.to)
    described["to"] = *site.to;
  else
    described["reason"] = site.reason;
  return described;
}

/// Definitions that a name may mean: the linker numbers all but one of the local ones that several files have. All of them
/// are looked at once, for a client asks for the names of a whole file.
class Candidates {
public:
  explicit Candidates(const Module &module) {
    for (const GlobalValue &value : module.global_values()) {
      if (value.isDeclaration())
        continue;
      by_name_[value.getName()].push_back(&value);
      const auto [name, number] = value.getName().rsplit('.');
      if (!number.empty() && all_of(number, isDigit))
        by_name_[name].push_back(&value);
    }
  }
  ArrayRef<const GlobalValue *> find(StringRef name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? ArrayRef<const GlobalValue *>() : found->second;
  }

private:
  StringMap<SmallVector<const GlobalValue *, 1>> by_name_;
};

std::string without_dots(StringRef path) {
  SmallString<256> plain(path);
  sys::path::remove_dots(plain, /*remove_dot_dot=*/true);
  return plain.str().str();
}

/// The one of the client's file or, as that may be a copy, the only one of a file that is called so. Null: nobody knows.
const GlobalValue *find_in_file(ArrayRef<const GlobalValue *> candidates, const SourceTables &sources, StringRef file) {
  std::vector<const GlobalValue *> there, called_so;
  for (const GlobalValue *one : candidates) {
    const std::string path = without_dots(sources.file_of(one->getName().str()));
    if (path == without_dots(file))
      there.push_back(one);
    if (sys::path::filename(path) == sys::path::filename(file))
      called_so.push_back(one);
  }
  if (there.size() == 1)
    return there.front();
  return there.empty() && called_so.size() == 1 ? called_so.front() : nullptr;
}

/// What a module that is to fit into the program has to know about a name of it.
json describe_symbol(const GlobalValue *value, std::size_t candidates) {
  json result{{"defined", value && !value->isDeclaration()}, {"candidates", candidates}};
  if (value) {
    result["symbol"] = value->getName().str();
    result["kind"] = isa<Function>(value) ? "function" : "variable";
    result["type"] = type_text(*value->getValueType());
    if (const auto *function = dyn_cast<Function>(value))
      result["returns_defined_values"] = function->hasRetAttribute(Attribute::NoUndef);
  }
  return result;
}

/// As the file means it, as far as the tables are there; nothing: they are wanted.
std::optional<json> describe_symbol(const ControlParts &parts, const Candidates &all, const std::string &name,
                                    StringRef file, bool has_tables) OSR_REQUIRES(engine_lock) {
  const ArrayRef<const GlobalValue *> candidates = all.find(name);
  if (candidates.size() > 1 && !file.empty()) {
    if (!has_tables)
      return std::nullopt;
    if (const GlobalValue *own = find_in_file(candidates, parts.sources, file))
      return describe_symbol(own, 1);
  }
  return describe_symbol(parts.engine.program().module->getNamedValue(name), candidates.size());
}

/// Nothing: files of symbols are wanted.
Expected<std::optional<json>> describe_symbols(const ControlParts &parts, const json &names, StringRef file,
                                               bool has_tables) {
  Lock lock(parts.engine.mutex(), after_waiting);
  json symbols = json::object();
  const Candidates candidates(*parts.engine.program().module);
  for (const json &name : names) {
    if (!name.is_string())
      return make_error("'names' has to be a list of texts");
    std::optional<json> described = describe_symbol(parts, candidates, name.get<std::string>(), file, has_tables);
    if (!described)
      return std::nullopt;
    symbols[name.get<std::string>()] = std::move(*described);
  }
  return symbols;
}

} // namespace

json describe(const RedefineOutcome &outcome) {
  json described{{"old_body", describe(outcome.old_body)},
                 {"dependents", describe(outcome.dependents)},
                 {"invalidated", outcome.invalidated},
                 {"same_shape", outcome.had_same_sites}};
  for (const SiteReport &site : outcome.sites)
    described["sites"].push_back(describe(site));
  return described;
}

Expected<std::unique_ptr<MemoryBuffer>> buffer_from(const std::string &base64) {
  std::vector<char> ir;
  if (Error error = decodeBase64(base64, ir))
    return make_error("'ir' is no base64: {}", toString(std::move(error)));
  return MemoryBuffer::getMemBufferCopy(StringRef(ir.data(), ir.size()), "new body");
}

Expected<json> answer_symbols(const ControlParts &parts, const Call &call) {
  const json &names = call.request.parameters["names"];
  const std::string source = text_of(call.request, "source");
  auto symbols = describe_symbols(parts, names, source, /*has_tables=*/false);
  if (symbols && !*symbols) {
    tell_if_read_anew(parts, ProgressTeller(call));
    const bool is_known = !errorToBool(parts.sources.prepare());
    symbols = describe_symbols(parts, names, is_known ? source : "", /*has_tables=*/true);
  }
  if (!symbols)
    return symbols.takeError();
  return json{{"symbols", std::move(**symbols)}};
}

Expected<json> answer_redefine(const ControlParts &parts, const Call &call) {
  auto options = options_from(call.request);
  if (!options)
    return options.takeError();
  auto ir = buffer_from(text_of(call.request, "ir"));
  if (!ir)
    return ir.takeError();
  if (is_as_patch(call))
    return redefine_as_patch(parts, call, std::move(*ir));
  tell_if_read_anew(parts, ProgressTeller(call));
  auto outcome = parts.redefiner.redefine(text_of(call.request, "function"), **ir, *options);
  if (!outcome)
    return outcome.takeError();
  return describe(*outcome);
}

/// Of a function, or of the newest patch.
Expected<json> answer_revert(const ControlParts &parts, const Call &call) {
  if (!call.request.parameters.contains("function") || is_as_patch(call))
    return revert_as_patch(parts, call);
  tell_if_read_anew(parts, ProgressTeller(call));
  auto options = options_from(call.request);
  if (!options)
    return options.takeError();
  auto outcome = parts.redefiner.revert(text_of(call.request, "function"), *options);
  if (!outcome)
    return outcome.takeError();
  return describe(*outcome);
}

} // namespace osr
