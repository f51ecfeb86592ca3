#include "runtime/engine/build_identity.h"

#include "compiler/base/address_of.h"
#include "osr/version.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/Alignment.h>
#include <llvm/Support/BLAKE3.h>

#include <elf.h>
#include <link.h>

using namespace llvm;

namespace osr {
namespace {

/// The object, of those that are loaded, which has an address.
struct ObjectOf {
  std::uint64_t address = 0;
  ArrayRef<std::uint8_t> build_id;
};

ArrayRef<std::uint8_t> find_build_id(const std::uint8_t *notes, std::uint64_t size) {
  const StringRef gnu("GNU\0", 4);
  while (size >= sizeof(ElfW(Nhdr))) {
    const auto *note = reinterpret_cast<const ElfW(Nhdr) *>(notes);
    const std::uint64_t name = sizeof *note, description = name + alignTo(note->n_namesz, Align(4)),
                        end = description + alignTo(note->n_descsz, Align(4));
    if (end > size)
      break;
    if (note->n_type == NT_GNU_BUILD_ID &&
        StringRef(reinterpret_cast<const char *>(notes + name), note->n_namesz) == gnu)
      return {notes + description, note->n_descsz};
    notes += end;
    size -= end;
  }
  return {};
}

int look_at(dl_phdr_info *info, std::size_t, void *wanted) {
  auto &object = *static_cast<ObjectOf *>(wanted);
  const ArrayRef<ElfW(Phdr)> headers(info->dlpi_phdr, info->dlpi_phnum);
  const auto begin = [info](const ElfW(Phdr) & header) { return info->dlpi_addr + header.p_vaddr; };
  if (none_of(headers, [&](const ElfW(Phdr) & header) {
        return header.p_type == PT_LOAD && object.address - begin(header) < header.p_memsz;
      }))
    return 0;
  for (const ElfW(Phdr) &header : headers)
    if (header.p_type == PT_NOTE && object.build_id.empty())
      object.build_id = find_build_id(reinterpret_cast<const std::uint8_t *>(begin(header)), header.p_memsz);
  return 1;
}

} // namespace

std::optional<std::array<std::uint8_t, 32>> build_identity() {
  BLAKE3 hash;
  hash.update(OSR_VERSION "/" LLVM_VERSION_STRING);
  for (const std::uint64_t address : {address_of(&build_identity), address_of(&parseBitcodeFile)}) {
    ObjectOf object{address, {}};
    dl_iterate_phdr(look_at, &object);
    if (object.build_id.empty())
      return std::nullopt;
    hash.update(object.build_id);
  }
  return hash.final<32>();
}

} // namespace osr
