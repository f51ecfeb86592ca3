// Which calls of two bodies of a function are the same call.
//
//     while (next_line()) {              while (next_line()) {
//       total += weight(line);             if (verbose) log_line(line);
//       log_line(line);                    total += weight(line) * 2;
//     }                                    log_line(line);
//                                        }
//
// As diff does with lines, the instructions of both are laid side by side, in order, so that as much as possible is opposite of
// its like; sites count more than what is between them. A site goes with the one that it is opposite of in *every* such
// layout: the old log_line is taken for the second new one only because more of what is around it stays. If two are as good, it
// is taken for none.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace osr {

/// By site of `one`: the site of `other`. Both are canonical and numbered. The callee is the same, calls by pointer are of the
/// same type, and loops around it correspond.
std::vector<std::optional<std::uint32_t>> match_sites(const llvm::Function &one, const llvm::Function &other);

} // namespace osr
