#include "runtime/guest/personality.h"

#include "compiler/base/check.h"

#include <atomic>
#include <unwind.h>

extern "C" _Unwind_Reason_Code __gxx_personality_v0(int version, _Unwind_Action actions,
                                                    _Unwind_Exception_Class exception_class,
                                                    _Unwind_Exception *exception, _Unwind_Context *context);

namespace osr {
namespace {

/// Itanium C++ ABI: what stands in front of the unwinder's part of an exception ends with the landing pad and the address
/// of the object.
constexpr int remembered_landing_pad = -2;

std::atomic<LandingHandler *> landing_handler = nullptr; ///< the same for all runtimes

_Unwind_Reason_Code search_and_land(int version, _Unwind_Action actions, _Unwind_Exception_Class exception_class,
                                    _Unwind_Exception *exception, _Unwind_Context *context) {
  if (!(actions & _UA_HANDLER_FRAME))
    return __gxx_personality_v0(version, actions, exception_class, exception, context);
  const _Unwind_Reason_Code found =
      __gxx_personality_v0(version, _UA_SEARCH_PHASE, exception_class, exception, context);
  OSR_CHECK(found == _URC_HANDLER_FOUND, "the frame at {:#x} was to handle an exception, and now it does not ({})",
            _Unwind_GetIP(context), int(found));
  // In this frame, StackEvidence sees it: from here on the code must not be freed.
  volatile const _Unwind_Ptr landing_pad = reinterpret_cast<const _Unwind_Ptr *>(exception)[remembered_landing_pad];
  const _Unwind_Reason_Code result = __gxx_personality_v0(version, actions, exception_class, exception, context);
  (void)landing_pad;
  return result;
}

_Unwind_Reason_Code personality(int version, _Unwind_Action actions, _Unwind_Exception_Class exception_class,
                                _Unwind_Exception *exception, _Unwind_Context *context) {
  const _Unwind_Ptr pc = _Unwind_GetIP(context);
  const _Unwind_Reason_Code result = search_and_land(version, actions, exception_class, exception, context);
  if (result == _URC_INSTALL_CONTEXT)
    landing_handler.load(std::memory_order_relaxed)(pc);
  return result;
}

} // namespace

void answer_landings(LandingHandler *handler) { landing_handler = handler; }

std::vector<AbsoluteSymbol> personality_symbols() {
  return {{"__gxx_personality_v0", reinterpret_cast<std::uint64_t>(&personality)}};
}

} // namespace osr
