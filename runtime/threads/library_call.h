// System calls that wait, made as functions of the C library make them.
#pragma once

#include "runtime/threads/waiting_call.h"

#include <cerrno>
#include <type_traits>

namespace osr {

inline constexpr long most_errors = 4095;

template <typename Value> long call_word(Value value) {
  if constexpr (std::is_pointer_v<Value>)
    return reinterpret_cast<long>(value);
  else
    return long(value);
}

/// -errno for an error.
template <typename... Values> long result_of(CancellationPoint point, long number, Values... values) {
  return waiting_call(number, CallArguments{call_word(values)...}, point);
}

/// -1 and errno for an error.
inline long with_errno(long result) {
  if (result >= 0 || result < -most_errors)
    return result;
  errno = int(-result);
  return -1;
}

/// As the C library makes such calls: a thread can be cancelled in them.
template <typename... Values> long library_call(long number, Values... values) {
  return with_errno(result_of(CancellationPoint::Yes, number, values...));
}
template <typename... Values> long library_call_without_cancellation(long number, Values... values) {
  return with_errno(result_of(CancellationPoint::No, number, values...));
}

} // namespace osr
