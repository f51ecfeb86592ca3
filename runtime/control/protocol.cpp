#include "runtime/control/protocol.h"

#include <fmt/format.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

/// How deep arrays and objects are nested, before anything is made of them.
unsigned nesting_of(StringRef line) {
  unsigned depth = 0, deepest = 0;
  bool in_text = false;
  for (std::size_t i = 0; i != line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      if (c == '\\' && i + 1 != line.size())
        ++i;
      else
        in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth != 0) {
      --depth;
    }
  }
  return deepest;
}

std::string to_line(const json &object) {
  return object.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + '\n';
}

bool is_id(const json &id) {
  const auto *text = id.get_ptr<const json::string_t *>();
  return id.is_number() || (text && text->size() <= longest_id);
}

BadRequest no_request(json id, std::string why) { return {std::move(id), {RpcCode::NoRequest, std::move(why)}}; }

} // namespace

std::variant<RpcRequest, BadRequest> parse_request(StringRef line) {
  if (nesting_of(line) > deepest_nesting)
    return BadRequest{nullptr,
                      {RpcCode::NoJson, fmt::format("more than {} nested arrays and objects", deepest_nesting)}};
  json object = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded())
    return BadRequest{nullptr, {RpcCode::NoJson, "the line is no JSON"}};
  if (!object.is_object())
    return no_request(nullptr, "the line is no object: requests come one a line, not in batches");
  RpcRequest request;
  request.id = object.value("id", json());
  if (!is_id(request.id))
    return no_request(nullptr, fmt::format("'id' has to be a number or a text of at most {} bytes", longest_id));
  if (object.value("jsonrpc", json()) != "2.0")
    return no_request(request.id, "'jsonrpc' has to be \"2.0\"");
  const json method = object.value("method", json());
  if (!method.is_string())
    return no_request(request.id, "'method' has to be a text");
  request.method = method.get_ref<const json::string_t &>();
  request.parameters = object.value("params", json::object());
  if (!request.parameters.is_object())
    return BadRequest{request.id, {RpcCode::BadParameters, "'params' has to be an object: parameters have names"}};
  return request;
}

std::string result_line(const json &id, const json &result) {
  return to_line({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string error_line(const json &id, const RpcError &error) {
  return to_line({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", int(error.code)}, {"message", error.message}}}});
}

std::string notification_line(StringRef method, const json &parameters) {
  return to_line({{"jsonrpc", "2.0"}, {"method", method.str()}, {"params", parameters}});
}

} // namespace osr
