// What the tests of compiler/codegen share: the calls and the stack map of an emitted object, seen from outside.
#pragma once

#include "compiler/codegen/compiler.h"
#include "runtime/stackmap/parser.h"

#include <llvm/IR/LLVMContext.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace osr {

/// Canonicalises text IR and makes a compiler for it that checks every pass.
class CompiledText {
public:
  explicit CompiledText(const std::string &text, Compiler::Options options = {.verify_each_pass = true});
  Compiler &compiler() { return *compiler_; }
  FunctionId id(const std::string &name) const;
  CompiledVersion compile(const std::string &name, Tier tier, std::optional<std::uint32_t> continuation = {});

private:
  llvm::LLVMContext context_;
  std::unique_ptr<Compiler> compiler_;
};

/// A function that calls @ext(i64), which it declares not, in each round of a loop; i grows by `step`.
std::string loop_with_a_call(const std::string &name, unsigned step);

/// What stands in an object: found by disassembling it, not by asking those who made it.
struct EmittedCode {
  std::vector<std::uint8_t> code;     ///< of the function
  std::set<std::uint64_t> return_pcs; ///< behind each call instruction, from the function's beginning
  std::set<std::uint64_t> branch_targets; ///< of direct branches inside the function
  RawStackMap map;
};

EmittedCode inspect(const CompiledVersion &version);

/// All records of one version by number: the offset of their PC.
std::map<std::uint64_t, std::uint64_t> record_offsets(const EmittedCode &code);

} // namespace osr
