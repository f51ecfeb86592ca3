#include "runtime/inspect/address_names.h"

#include "osr-stubs/result_area.h"
#include "runtime/machine/instructions.h"
#include "runtime/machine/page_size.h"

#include <llvm/IR/Module.h>

#include <cstring>
#include <sys/uio.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

/// Calls of these come from the code generator, not from the program's text.
constexpr const char *code_generator_calls[] = {
    "memcpy", "memmove", "memset", "memcmp", "bcmp", "__emutls_get_address", "_Unwind_Resume"};

/// Reads the process's own memory; nothing if there is none at that address.
template <std::size_t Size> std::optional<std::array<std::uint8_t, Size>> read_memory(std::uint64_t address) {
  std::array<std::uint8_t, Size> bytes;
  iovec to{bytes.data(), Size}, from{reinterpret_cast<void *>(address), Size};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != ssize_t(Size))
    return std::nullopt;
  return bytes;
}

std::uint64_t word_at(const std::uint8_t *bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

std::uint64_t size_of(const GlobalVariable &variable) {
  Type *type = variable.getValueType();
  return type->isSized() ? variable.getDataLayout().getTypeAllocSize(type).getFixedValue() : 1;
}

} // namespace

AddressNames::AddressNames(Engine &engine) {
  for (const char *name : code_generator_calls)
    add(engine, name);
  for (const ResultPad &pad : result_pads())
    add(engine, pad.symbol);
  const Module &module = *engine.program().module;
  for (const Function &function : module)
    if (!function.isIntrinsic() && !function.getName().starts_with("osr."))
      add(engine, function.getName().str());
  const CallTargets &targets = engine.targets(); // where direct calls lead
  for (const FunctionInfo &function : engine.program().functions)
    if (targets.bodies().is_current(function.id))
      if (std::uint64_t pc = targets.of(targets.bodies().entry_of(function.id)))
        names_.try_emplace(pc, Named{function.name, 1});
  for (const GlobalVariable &variable : module.globals())
    if (variable.isThreadLocal())
      add(engine, "__emutls_v." + variable.getName().str());
    else
      add(engine, variable.getName().str(), size_of(variable));
}

void AddressNames::add(Engine &engine, const std::string &name, std::uint64_t size) {
  auto address = engine.session().lookup(name);
  if (!address) {
    consumeError(address.takeError()); // never linked: no code refers to it
    return;
  }
  if (*address)
    names_.try_emplace(*address, Named{name, std::max<std::uint64_t>(1, size)});
}

std::optional<NamedAddress> AddressNames::known(std::uint64_t address) const {
  auto next = names_.upper_bound(address);
  if (next == names_.begin())
    return std::nullopt;
  const auto &[begin, named] = *std::prev(next);
  if (address - begin >= named.size)
    return std::nullopt;
  return NamedAddress{named.name, address - begin};
}

std::optional<NamedAddress> AddressNames::find(const CodeObject &object, std::uint64_t address) const {
  if (object.linked.linker_stubs.contains(address)) {
    const auto stub = read_memory<linker_stub_size>(address);
    const auto place = stub ? slot_of_linker_stub(*stub, address) : std::nullopt;
    const auto slot = place ? read_memory<8>(*place) : std::nullopt;
    return slot ? known(word_at(slot->data())) : std::nullopt;
  }
  if (object.contains(address))
    return std::nullopt;
  if (auto named = known(address))
    return named;
  // Small numbers are no addresses; a slot holds an address that has a name.
  auto slot = address >= page_size && address % 8 == 0 ? read_memory<8>(address) : std::nullopt;
  auto named = slot ? known(word_at(slot->data())) : std::nullopt;
  if (named)
    named->name = "slot_of_" + named->name;
  return named;
}

} // namespace osr
