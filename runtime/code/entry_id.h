// A function as its callers know it.
#pragma once

#include <cstdint>

namespace osr {

/// Where calls of a function go through; it stays, whatever body the function has. Bodies, which are what is compiled, are
/// FunctionIds: Bodies says which is whose.
enum class EntryId : std::uint32_t {};

constexpr std::uint32_t index_of(EntryId entry) { return std::uint32_t(entry); }

} // namespace osr
