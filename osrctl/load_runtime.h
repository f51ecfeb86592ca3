// A program that is linked but not run: what the verbs that show machine code begin with.
#pragma once

#include "osr/runtime.h"
#include "osrctl/disassembly.h"
#include "runtime/engine/engine.h"

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

/// Names for the addresses that a program's code refers to. Looks all of them up when it is made.
class AddressNames {
public:
  explicit AddressNames(Engine &engine);

  /// A function or variable of the program, a function that it calls, or a linker's stub or pointer slot that leads to
  /// one. Other addresses, among them those inside `object`, have no name.
  std::optional<NamedAddress> find(const CodeObject &object, std::uint64_t address) const;

private:
  struct Named {
    std::string name;
    std::uint64_t size = 1;
  };
  void add(Engine &engine, const std::string &name, std::uint64_t size = 1);
  std::optional<NamedAddress> known(std::uint64_t address) const;

  std::map<std::uint64_t, Named> names_;
};

} // namespace osr
