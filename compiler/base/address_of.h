// Addresses as code and tables of symbols hold them.
#pragma once

#include <cstdint>

namespace osr {

template <typename Pointee> std::uint64_t address_of(Pointee *pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

} // namespace osr
