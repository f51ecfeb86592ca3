// What goes over the control socket: JSON-RPC 2.0, one object a line. docs/control.md describes it for writers of clients.
//
//   client ──► a line ──► parse_request ──► a method of methods.h, or an error ──► a line ──► client
//
// Lines come from anybody who may connect, so each is bounded before it is parsed: its length by the server, its depth here.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <variant>

namespace osr {

/// Clients and servers of one number understand each other.
inline constexpr unsigned protocol_version = 1;
inline constexpr std::size_t longest_line = std::size_t(4) << 20; ///< bytes that a client may send without a line's end
inline constexpr unsigned deepest_nesting = 32; ///< of arrays and objects in it
inline constexpr std::size_t longest_id = 128;

enum class RpcCode : int {
  NoJson = -32700,
  NoRequest = -32600,
  NoMethod = -32601,
  BadParameters = -32602,
  Failed = -32000, ///< what was asked for cannot be done: the message says why
  ReadOnly = -32001, ///< this server answers questions only
  Cancelled = -32002, ///< by its client
  Busy = -32003, ///< too many requests wait already
};

struct RpcError {
  RpcCode code = RpcCode::Failed;
  std::string message;
};

struct RpcRequest {
  nlohmann::json id; ///< a number or a text
  std::string method;
  nlohmann::json parameters; ///< an object
};

/// A line that is no request; `id` is null unless it could be read.
struct BadRequest {
  nlohmann::json id;
  RpcError error;
};

/// Never throws but for lack of memory.
std::variant<RpcRequest, BadRequest> parse_request(llvm::StringRef line);

/// Each with its line's end. Bytes that are no UTF-8 are replaced.
std::string result_line(const nlohmann::json &id, const nlohmann::json &result);
std::string error_line(const nlohmann::json &id, const RpcError &error);
std::string notification_line(llvm::StringRef method, const nlohmann::json &parameters);

} // namespace osr
