// A program that is linked but not run: what the verbs that show machine code begin with.
#pragma once

#include "runtime/osr/runtime.h"

#include <llvm/IR/LLVMContext.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Loads the program and its libraries and links its globals.
llvm::Expected<std::unique_ptr<Runtime>> load_runtime(llvm::LLVMContext &context, const std::vector<std::string> &paths,
                                                      const std::vector<std::string> &libraries);

/// Names for the addresses that a program's code refers to. Reads the program once, when it is made.
class AddressNames {
public:
  explicit AddressNames(Runtime &runtime);

  /// `name` or `name+offset` for functions and variables of the program and functions that it calls. An address in
  /// `object` has a name only if it is a linker stub or a linker's pointer slot that leads to one.
  std::optional<std::string> name_of(const CodeObject &object, std::uint64_t address) const;

private:
  std::optional<std::string> known(std::uint64_t address) const;

  struct Named {
    std::string name;
    std::uint64_t size = 1;
  };
  std::map<std::uint64_t, Named> names_;
};

} // namespace osr
