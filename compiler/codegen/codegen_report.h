// What the machine passes found out about one function.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace osr {

/// Filled by the anchoring and certificate passes while one object is emitted.
struct CodegenReport {
  std::set<std::uint32_t> anchored;                    ///< records whose PC is their call's return PC
  std::map<std::uint32_t, std::string> not_anchored;   ///< records that cannot be expressed there, and why
  std::set<std::pair<std::uint32_t, std::uint32_t>> failed_operands; ///< of these, record and place in it
  std::set<std::uint32_t> orphans;                     ///< records whose call was expanded inline: dropped
  std::set<std::uint32_t> unrecorded;           ///< site calls that ended up without a record
  std::map<std::uint32_t, std::string> not_certified;  ///< baseline: records that do not name all that is live
  std::uint32_t calls = 0;                             ///< call instructions that can return
  std::uint32_t calls_with_record = 0;
  std::uint32_t calls_without_site = 0;                ///< exempt library calls and code generator helpers
  std::int32_t cfa_from_sp = 0;                        ///< CFA - rsp anywhere in the function's body

  bool operator==(const CodegenReport &) const = default;
};

std::string to_json(const CodegenReport &report);
/// The error names what is missing.
llvm::Expected<CodegenReport> report_from_json(llvm::StringRef text);

} // namespace osr
