// Addresses as the tables hold them that say which function of ours a program's name stands for.
#pragma once

#include <cstdint>

namespace osr {

template <typename Pointee> std::uint64_t address_of(Pointee *pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

} // namespace osr
