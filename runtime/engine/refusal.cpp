#include "runtime/engine/refusal.h"

#include <llvm/Support/raw_ostream.h>

#include <utility>

using namespace llvm;

namespace osr {
namespace {

class RefusalError final : public ErrorInfo<RefusalError> {
public:
  static char ID; // LLVM's name; its address is what counts

  explicit RefusalError(Refusal why) : refusal(std::move(why)) {}
  void log(raw_ostream &out) const override { out << describe(refusal); }
  std::error_code convertToErrorCode() const override { return inconvertibleErrorCode(); }

  Refusal refusal;
};

char RefusalError::ID = 0;

} // namespace

std::string describe(const Refusal &refusal) {
  switch (refusal.kind) {
  case RefusalKind::NoRecord: return "no record at this call (pinned function or exempt call)";
  case RefusalKind::NoDescription: return "the site has no record or no unwind information that can be used";
  case RefusalKind::Split: return "one frame cannot become several under a shadow stack";
  case RefusalKind::NoRoom: return "no room on the stack";
  case RefusalKind::Growth: return "the new frame is too large for a site that stays patched";
  case RefusalKind::NoSuchSite: return "the baseline code has no such site";
  case RefusalKind::NoCertificate: return "the baseline site has no certificate";
  case RefusalKind::NoContinuation: return "its continuation has not been compiled";
  case RefusalKind::TooLarge: return "the function is too large for a continuation at each of its sites";
  case RefusalKind::NoStub: return "no stub can make the new frame: " + refusal.detail;
  case RefusalKind::NoUnwindInformation: return "there is no unwind information for the site";
  case RefusalKind::LandsInFreedCode: return "an exception would land in code that is freed";
  case RefusalKind::NotMapped:
    return refusal.detail.empty() ? "the site map says nothing about this site" : refusal.detail;
  case RefusalKind::Pending: return "another transition of this frame has to come first";
  case RefusalKind::Hidden: return "hidden behind a frame of code without unwind information";
  case RefusalKind::Unwalkable: return "walk: " + refusal.detail;
  case RefusalKind::Failed: return refusal.detail;
  }
  return {};
}

Error refuse(Refusal why) { return llvm::make_error<RefusalError>(std::move(why)); }

Refusal refusal_of(Error error) {
  if (!error.isA<RefusalError>())
    return {RefusalKind::Failed, toString(std::move(error))};
  Refusal why{RefusalKind::Failed};
  handleAllErrors(std::move(error), [&](const RefusalError &refused) { why = refused.refusal; });
  return why;
}

} // namespace osr
