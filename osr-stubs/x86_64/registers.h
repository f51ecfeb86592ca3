// The registers behind osr-stubs/registers.h.
#pragma once

#include <cstdint>

namespace osr {

/// Callee-saved registers of the System V ABI except rsp.
enum class SavedRegister : std::uint8_t { Rbx, Rbp, R12, R13, R14, R15 };
inline constexpr unsigned saved_register_count = 6;
inline constexpr SavedRegister frame_pointer = SavedRegister::Rbp;

inline constexpr const char *saved_register_names[saved_register_count] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
inline constexpr const char *stack_pointer_name = "rsp";

} // namespace osr
