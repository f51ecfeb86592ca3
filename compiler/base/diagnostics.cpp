#include "compiler/base/diagnostics.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

class CollectErrors final : public DiagnosticHandler {
public:
  explicit CollectErrors(std::string &errors) : errors_(errors) {}

  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() != DS_Error)
      return true;
    if (!errors_.empty())
      errors_ += "; ";
    raw_string_ostream stream(errors_);
    DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    return true;
  }
  bool isAnyRemarkEnabled() const override { return false; }
  bool isMissedOptRemarkEnabled(StringRef) const override { return false; }
  bool isPassedOptRemarkEnabled(StringRef) const override { return false; }
  bool isAnalysisRemarkEnabled(StringRef) const override { return false; }

private:
  std::string &errors_;
};

} // namespace

DiagnosticScope::DiagnosticScope(LLVMContext &context) : context_(context), saved_(context.getDiagnosticHandler()) {
  context.setDiagnosticHandler(std::make_unique<CollectErrors>(errors_));
}

} // namespace osr
