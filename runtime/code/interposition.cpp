#include "runtime/code/interposition.h"

#include "compiler/base/error.h"
#include "runtime/machine/elf_numbers.h"
#include "runtime/machine/instructions.h"
#include "runtime/machine/page_size.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/MathExtras.h>

#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <utility>

namespace osr {
namespace {

template <typename T> std::vector<std::uint8_t> bytes_of(const T &value) {
  const auto *begin = reinterpret_cast<const std::uint8_t *>(&value);
  return {begin, begin + sizeof value};
}

bool lies_in(llvm::ArrayRef<Extent> extents, std::uint64_t address) {
  return llvm::any_of(extents, [&](const Extent &extent) { return extent.contains(address); });
}

llvm::Error protect(std::uint64_t address, std::size_t size, int protection) {
  const std::uint64_t begin = llvm::alignDown(address, page_size), end = llvm::alignTo(address + size, page_size);
  if (::mprotect(reinterpret_cast<void *>(begin), end - begin, protection) == 0)
    return llvm::Error::success();
  return make_error("the program's definitions cannot take the place of those in shared libraries: mprotect failed: {}",
                    llvm::sys::StrError());
}

} // namespace

llvm::Expected<std::uint64_t> Interposition::make_choice(std::uint64_t program, std::uint64_t library) {
  auto memory = arena_.allocate_code(choice_size);
  if (!memory)
    return memory.takeError();
  write_choice(memory->writable, std::int32_t(runs_program_offset_), program, library);
  return memory->address;
}

/// What calls on the runtime's behalf go on to is what they would have found.
llvm::Error Interposition::add_binding(const ProgramSymbol &definition) {
  const auto [binding, is_new] = bindings_.try_emplace(definition.name);
  if (!is_new)
    return llvm::Error::success();
  std::uint64_t original = process_.find_now(definition.name);
  if (!original)
    original = reinterpret_cast<std::uint64_t>(::dlsym(RTLD_DEFAULT, definition.name.c_str()));
  binding->second = {original, definition.address, definition.is_function};
  if (!definition.is_function || original == 0)
    return llvm::Error::success();
  auto choice = make_choice(definition.address, original);
  if (!choice)
    return choice.takeError();
  binding->second.shown = *choice;
  return llvm::Error::success();
}

/// A name matters if a library of the program defines it or refers to it, and if a library to come would find it elsewhere.
llvm::Error Interposition::find_bindings(const ProcessSymbols::Objects &objects,
                                         llvm::ArrayRef<ProgramSymbol> definitions, Later later) {
  llvm::StringMap<const ProgramSymbol *> by_name;
  for (const ProgramSymbol &definition : definitions)
    by_name[definition.name] = &definition;
  for (std::size_t i = 0; i != objects.all.size(); ++i) {
    const SharedObject &object = objects.all[i];
    if (!objects.is_visible[i] && later == Later::NothingIsLoaded)
      continue;
    for (const Elf64_Sym &symbol : object.symbols) {
      const bool refers = objects.is_visible[i] && symbol.st_shndx == SHN_UNDEF;
      if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || !(refers || object.offers(symbol)))
        continue;
      if (const auto definition = by_name.find(object.name_of(symbol)); definition != by_name.end())
        if (llvm::Error error = add_binding(*definition->second))
          return error;
    }
  }
  return llvm::Error::success();
}

Interposition::~Interposition() {
  const std::vector<Write> writes = std::exchange(before_, {}); // write() adds to it
  for (const Write &before : llvm::reverse(writes))
    llvm::consumeError(write(before));
}

/// The page is readable all the time, and never executable.
llvm::Error Interposition::write(const Write &write) {
  auto *at = reinterpret_cast<std::uint8_t *>(write.address);
  if (write.is_protected)
    if (llvm::Error error = protect(write.address, write.bytes.size(), PROT_READ | PROT_WRITE))
      return error;
  before_.push_back({write.address, {at, at + write.bytes.size()}, write.is_protected});
  std::memcpy(at, write.bytes.data(), write.bytes.size());
  return write.is_protected ? protect(write.address, write.bytes.size(), PROT_READ) : llvm::Error::success();
}

std::optional<std::uint64_t> Interposition::bound_address(const SharedObject &object, const Elf64_Sym &symbol) const {
  if (symbol.st_shndx != SHN_UNDEF && (object.binds_to_itself || ELF64_ST_VISIBILITY(symbol.st_other) != STV_DEFAULT))
    return std::nullopt;
  if (const auto binding = bindings_.find(object.name_of(symbol)); binding != bindings_.end())
    return binding->second.shown;
  return std::nullopt;
}

void Interposition::rebind(const SharedObject &object, std::vector<Write> &writes) const {
  for (const llvm::ArrayRef<Elf64_Rela> table : object.relocations)
    for (const Elf64_Rela &relocation : table) {
      const auto index = ELF64_R_SYM(relocation.r_info);
      if (!binds_symbol(ELF64_R_TYPE(relocation.r_info)) || index >= object.symbols.size())
        continue;
      const auto address = bound_address(object, object.symbols[index]);
      if (!address)
        continue;
      const std::int64_t addend = ELF64_R_TYPE(relocation.r_info) == elf_absolute64 ? relocation.r_addend : 0;
      const std::uint64_t place = object.base + relocation.r_offset;
      writes.push_back({place, bytes_of(*address + addend), lies_in(object.read_only, place)});
    }
}

/// So that what is bound from now on finds the same.
void Interposition::rename(const SharedObject &object, std::vector<Write> &writes) const {
  for (const Elf64_Sym &symbol : object.symbols) {
    if (!object.offers(symbol))
      continue;
    const auto binding = bindings_.find(object.name_of(symbol));
    if (binding == bindings_.end())
      continue;
    Elf64_Sym changed = symbol;
    changed.st_shndx = SHN_ABS;
    changed.st_value = binding->second.shown;
    if (ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
      changed.st_info = ELF64_ST_INFO(ELF64_ST_BIND(symbol.st_info), STT_FUNC);
    const auto place = reinterpret_cast<std::uint64_t>(&symbol);
    writes.push_back({place, bytes_of(changed), lies_in(object.read_only, place)});
  }
}

llvm::Error Interposition::bind(llvm::ArrayRef<ProgramSymbol> definitions, Later later) {
  const ProcessSymbols::Objects objects = process_.objects();
  if (llvm::Error error = find_bindings(objects, definitions, later))
    return error;
  if (bindings_.empty())
    return llvm::Error::success();
  std::vector<Write> writes;
  for (std::size_t i = 0; i != objects.all.size(); ++i) {
    if (objects.is_visible[i])
      rebind(objects.all[i], writes);
    if (later == Later::LibrariesMayBeLoaded)
      rename(objects.all[i], writes);
  }
  for (const SharedObject &object : objects.all)
    for (const Write &each : writes)
      if (lies_in(object.executable, each.address))
        return make_error("the program's definitions cannot take the place of those in {}, whose symbols lie among its "
                          "code: link it with '-z separate-code'",
                          object.path);
  for (const Write &each : writes)
    if (llvm::Error error = write(each))
      return error;
  return llvm::Error::success();
}

std::uint64_t Interposition::find_original(llvm::StringRef name) const {
  const auto found = bindings_.find(name);
  return found == bindings_.end() ? 0 : found->second.original;
}

std::uint64_t Interposition::shown_address(llvm::StringRef name, std::uint64_t address) const {
  const auto found = bindings_.find(name);
  return found == bindings_.end() ? address : found->second.shown;
}

} // namespace osr
