#include "compiler/codegen/codegen_report.h"

#include "compiler/base/error.h"

#include <llvm/Support/JSON.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

using Numbers = std::set<std::uint32_t>;
using Reasons = std::map<std::uint32_t, std::string>;
using Places = std::set<std::pair<std::uint32_t, std::uint32_t>>;

json::Value to_value(std::uint32_t number) { return number; }
json::Value to_value(std::int32_t number) { return number; }
json::Value to_value(const Numbers &numbers) { return json::Array(numbers); }
json::Value to_value(const Reasons &reasons) {
  json::Array pairs;
  for (const auto &[number, reason] : reasons)
    pairs.push_back(json::Array{number, reason});
  return pairs;
}
json::Value to_value(const Places &places) {
  json::Array pairs;
  for (const auto &[record, place] : places)
    pairs.push_back(json::Array{record, place});
  return pairs;
}

template <typename Number> bool read_number(const json::Value &value, Number &number) {
  const std::optional<std::int64_t> read = value.getAsInteger();
  if (!read || *read < std::numeric_limits<Number>::min() || *read > std::numeric_limits<Number>::max())
    return false;
  number = Number(*read);
  return true;
}
bool read(const json::Value &value, std::uint32_t &number) { return read_number(value, number); }
bool read(const json::Value &value, std::int32_t &number) { return read_number(value, number); }
bool read(const json::Value &value, std::string &text) {
  const auto read = value.getAsString();
  text = read.value_or("").str();
  return read.has_value();
}
template <typename First, typename Second> bool read(const json::Value &value, std::pair<First, Second> &pair) {
  const json::Array *both = value.getAsArray();
  return both && both->size() == 2 && read((*both)[0], pair.first) && read((*both)[1], pair.second);
}
template <typename Element, typename Container> bool read_all(const json::Value &value, Container &container) {
  const json::Array *elements = value.getAsArray();
  return elements && all_of(*elements, [&](const json::Value &each) {
           Element element;
           return read(each, element) && container.insert(std::move(element)).second;
         });
}
bool read(const json::Value &value, Numbers &numbers) { return read_all<std::uint32_t>(value, numbers); }
bool read(const json::Value &value, Reasons &reasons) {
  return read_all<std::pair<std::uint32_t, std::string>>(value, reasons);
}
bool read(const json::Value &value, Places &places) {
  return read_all<std::pair<std::uint32_t, std::uint32_t>>(value, places);
}

/// `visit(name, member)` for each member.
template <typename Report, typename Visit> void for_each_member(Report &report, Visit visit) {
  visit("anchored", report.anchored);
  visit("not_anchored", report.not_anchored);
  visit("failed_operands", report.failed_operands);
  visit("orphans", report.orphans);
  visit("unrecorded", report.unrecorded);
  visit("not_certified", report.not_certified);
  visit("calls", report.calls);
  visit("calls_with_record", report.calls_with_record);
  visit("calls_without_site", report.calls_without_site);
  visit("cfa_from_sp", report.cfa_from_sp);
}

} // namespace

std::string to_json(const CodegenReport &report) {
  json::Object object;
  for_each_member(report, [&](StringRef name, const auto &member) { object[name] = to_value(member); });
  std::string text;
  raw_string_ostream(text) << json::Value(std::move(object));
  return text;
}

Expected<CodegenReport> report_from_json(StringRef text) {
  auto value = json::parse(text);
  if (!value)
    return value.takeError();
  const json::Object *object = value->getAsObject();
  if (!object)
    return make_error("a report of code generation is an object");
  CodegenReport report;
  std::string problem;
  for_each_member(report, [&](StringRef name, auto &member) {
    const json::Value *found = object->get(name);
    if (!found || !read(*found, member))
      problem = name;
  });
  if (!problem.empty())
    return make_error("a report of code generation has no '{}'", problem);
  return report;
}

} // namespace osr
