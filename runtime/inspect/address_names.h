// Names for what machine code refers to.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/inspect/disassembly.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace osr {

/// Names for the addresses that a program's code refers to. Looks all of them up when it is made.
class AddressNames {
public:
  explicit AddressNames(Engine &engine) OSR_REQUIRES(engine_lock);

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
