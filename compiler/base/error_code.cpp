#include "osr/error.h"

#include <optional>
#include <string>

namespace osr {
namespace {

class Category final : public std::error_category {
public:
  const char *name() const noexcept override { return "osr"; }
  std::string message(int code) const override {
    switch (ErrorCode(code)) {
    case ErrorCode::Refused: return "it was refused";
    case ErrorCode::Unknown: return "there is none of that name";
    case ErrorCode::Exists: return "there is one already";
    case ErrorCode::Invalid: return "what was given is not valid";
    case ErrorCode::NoMemory: return "there is no memory";
    case ErrorCode::WrongState: return "not now, or not here";
    case ErrorCode::InUse: return "it is in use";
    case ErrorCode::TimedOut: return "it took too long";
    case ErrorCode::Cancelled: return "it was cancelled";
    }
    return "unknown";
  }
};

} // namespace

const std::error_category &error_category() {
  static const Category category;
  return category;
}

ErrorCode code_of(const llvm::Error &error) {
  std::optional<ErrorCode> found;
  visitErrors(error, [&](const llvm::ErrorInfoBase &each) {
    const std::error_code code = each.convertToErrorCode();
    if (!found)
      found = code.category() == error_category() ? ErrorCode(code.value()) : ErrorCode::Refused;
  });
  return found.value_or(ErrorCode::Refused);
}

} // namespace osr
