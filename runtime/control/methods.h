// What clients may ask for, in one table: what a method takes, and whether it changes anything.
#pragma once

#include "runtime/control/protocol.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace osr {

enum class Access : std::uint8_t {
  Look,
  Change, ///< not with a server that is read-only
};

enum class ParameterKind : std::uint8_t {
  Text,
  Number,
  Flag,
  List,
  RequestId,
  Target, ///< of activations: one of the choices, or the number of a version
  Code,   ///< a text: IR as base64, which people name a file for
  Bodies, ///< a list: functions, each with its code
};

/// Too long to be typed or noted.
constexpr bool is_code(ParameterKind kind) { return kind == ParameterKind::Code || kind == ParameterKind::Bodies; }

struct Parameter {
  const char *name;
  ParameterKind kind;
  bool is_needed = false;
  const char *choices = nullptr; ///< of a text: those that there are, separated by '|'; null: any
};

/// Who does it: a thread that may wait for the program's, or the one that reads from the clients.
enum class Place : std::uint8_t { Worker, Server };

struct Method {
  const char *name;
  Access access;
  llvm::ArrayRef<Parameter> parameters;
  Place place = Place::Worker;
};

llvm::ArrayRef<Method> methods();

/// The method of a request whose parameters are as the table says; else what is wrong.
std::variant<const Method *, RpcError> method_of(const RpcRequest &request, bool is_read_only);

/// Parameters of a request that was checked.
std::string text_of(const RpcRequest &request, const char *name, llvm::StringRef usual = "");
std::optional<std::uint64_t> number_of(const RpcRequest &request, const char *name);
bool flag_of(const RpcRequest &request, const char *name);
/// The kernel's number in `thread`, if it is there; the error says that no thread can have it.
llvm::Expected<std::optional<pid_t>> thread_of(const RpcRequest &request);

} // namespace osr
