#include "runtime/code/link_errors.h"

#include "compiler/base/error.h"

#include <llvm/ExecutionEngine/Orc/Core.h>

#include <fmt/ranges.h>

#include <set>
#include <string>

namespace osr {

namespace {

/// Names of unresolved symbols, and the texts of all other causes.
struct Causes {
  std::set<std::string> unresolved;
  std::vector<std::string> others;

  void add(llvm::Error error) {
    llvm::handleAllErrors(
        std::move(error),
        [this](const llvm::orc::SymbolsNotFound &missing) {
          for (const llvm::orc::SymbolStringPtr &name : missing.getSymbols())
            unresolved.insert(fmt::format("'{}'", (*name).str()));
        },
        [](const llvm::orc::FailedToMaterialize &) {}, // says only that there was another error
        [this](const llvm::ErrorInfoBase &other) { others.push_back(other.message()); });
  }

  std::string text() const {
    std::vector<std::string> parts = others;
    if (!unresolved.empty())
      parts.push_back(unresolved_symbols(std::vector<std::string>(unresolved.begin(), unresolved.end())));
    return parts.empty() ? "for an unknown reason" : fmt::to_string(fmt::join(parts, "; "));
  }
};

std::string describe(llvm::Error error, std::vector<llvm::Error> &reported) {
  Causes causes;
  for (llvm::Error &cause : reported)
    causes.add(std::move(cause));
  reported.clear();
  causes.add(std::move(error));
  return causes.text();
}

} // namespace

std::string unresolved_symbols(llvm::ArrayRef<std::string> names) {
  return fmt::format("unresolved symbol{} {} (nothing that was added, defined or loaded has it; osrctl "
                     "loads libraries by --load LIB.so)",
                     names.size() == 1 ? "" : "s", fmt::join(names, ", "));
}

llvm::Error link_error(llvm::StringRef object, llvm::Error error, std::vector<llvm::Error> &reported) {
  return make_error("cannot link {}: {}", object.str(), describe(std::move(error), reported));
}

llvm::Error lookup_error(llvm::Error error, std::vector<llvm::Error> &reported) {
  return make_error("{}", describe(std::move(error), reported));
}

} // namespace osr
