#include "runtime/code/link_errors.h"

#include "compiler/base/error_code.h"

#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/Shared/OrcError.h>

#include <fmt/ranges.h>

#include <optional>
#include <set>
#include <string>

namespace osr {

namespace {

/// Names of unresolved symbols, and the texts of all other causes.
struct Causes {
  std::set<std::string> unresolved;
  std::vector<std::string> others;
  std::optional<ErrorCode> other_code;

  void add(llvm::Error error) {
    const ErrorCode code = error.isA<llvm::orc::DuplicateDefinition>() ? ErrorCode::Exists : code_of(error);
    if (code != ErrorCode::Refused && !other_code)
      other_code = code;
    llvm::handleAllErrors(
        std::move(error),
        [this](const llvm::orc::SymbolsNotFound &missing) {
          for (const llvm::orc::SymbolStringPtr &name : missing.getSymbols())
            unresolved.insert(fmt::format("'{}'", (*name).str()));
        },
        [](const llvm::orc::FailedToMaterialize &) {}, // says only that there was another error
        [this](const llvm::ErrorInfoBase &other) { others.push_back(other.message()); });
  }

  ErrorCode code() const { return other_code.value_or(unresolved.empty() ? ErrorCode::Refused : ErrorCode::Unknown); }
  std::string text() const {
    std::vector<std::string> parts = others;
    if (!unresolved.empty())
      parts.push_back(unresolved_symbols(std::vector<std::string>(unresolved.begin(), unresolved.end())));
    return parts.empty() ? "for an unknown reason" : fmt::to_string(fmt::join(parts, "; "));
  }
};

llvm::Error join(const std::string &prefix, llvm::Error error, std::vector<llvm::Error> &reported) {
  Causes causes;
  for (llvm::Error &cause : reported)
    causes.add(std::move(cause));
  reported.clear();
  causes.add(std::move(error));
  return make_error(causes.code(), "{}{}", prefix, causes.text());
}

} // namespace

std::string unresolved_symbols(llvm::ArrayRef<std::string> names) {
  return fmt::format(
      "unresolved symbol{} {} (no module has it, and nothing that is loaded; hosts add a module, or give it by "
      "define, resolve or libraries, osrctl by --load LIB.so)",
      names.size() == 1 ? "" : "s", fmt::join(names, ", "));
}

llvm::Error link_error(llvm::StringRef object, llvm::Error error, std::vector<llvm::Error> &reported) {
  return join(fmt::format("cannot link {}: ", object.str()), std::move(error), reported);
}

llvm::Error lookup_error(llvm::Error error, std::vector<llvm::Error> &reported) {
  return join("", std::move(error), reported);
}

} // namespace osr
