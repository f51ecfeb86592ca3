#include "runtime/code/shared_objects.h"

#include "runtime/machine/page_size.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <link.h>

namespace osr {
namespace {

constexpr Elf64_Half hidden_version = 0x8000;

/// The values of a dynamic section, by tag; those that others have several times are in `needed`.
struct Dynamic {
  std::uint64_t value[DT_NUM] = {};
  std::uint64_t gnu_hash = 0, versions = 0;
  bool has_symbolic_tag = false;
  std::vector<std::uint64_t> needed;

  /// The dynamic linker has made addresses of some that were offsets.
  Dynamic(const Elf64_Dyn *entry, std::uint64_t base) {
    auto address = [base](std::uint64_t value) { return value < base ? base + value : value; };
    for (; entry->d_tag != DT_NULL; ++entry) {
      const auto tag = entry->d_tag;
      if (tag == DT_NEEDED)
        needed.push_back(entry->d_un.d_val);
      else if (tag == DT_SYMBOLIC)
        has_symbolic_tag = true;
      else if (tag == DT_GNU_HASH)
        gnu_hash = address(entry->d_un.d_ptr);
      else if (tag == DT_VERSYM)
        versions = address(entry->d_un.d_ptr);
      else if (tag == DT_HASH || tag == DT_STRTAB || tag == DT_SYMTAB || tag == DT_RELA || tag == DT_JMPREL)
        value[tag] = address(entry->d_un.d_ptr);
      else if (tag > 0 && tag < DT_NUM)
        value[tag] = entry->d_un.d_val;
    }
  }
};

/// The table of this format says only where chains of symbols begin; the last symbol ends one.
std::size_t count_by_gnu_hash(std::uint64_t address) {
  const auto *header = reinterpret_cast<const std::uint32_t *>(address);
  const std::uint32_t bucket_count = header[0], first = header[1], bloom_words = header[2];
  const auto *buckets = reinterpret_cast<const std::uint32_t *>(address + 16 + std::uint64_t(bloom_words) * 8);
  const std::uint32_t *chains = buckets + bucket_count;
  std::uint32_t last = bucket_count ? *std::max_element(buckets, buckets + bucket_count) : 0;
  if (last < first)
    return first;
  while (!(chains[last - first] & 1))
    ++last;
  return last + 1;
}

std::size_t count_symbols(const Dynamic &dynamic) {
  if (dynamic.value[DT_HASH]) // bucket count, chain count: one per symbol
    return reinterpret_cast<const std::uint32_t *>(dynamic.value[DT_HASH])[1];
  return dynamic.gnu_hash ? count_by_gnu_hash(dynamic.gnu_hash) : 0;
}

template <typename T> llvm::ArrayRef<T> table(std::uint64_t address, std::size_t count) {
  return {reinterpret_cast<const T *>(address), address ? count : 0};
}

void read_dynamic(SharedObject &object, const Elf64_Dyn *section) {
  const Dynamic dynamic(section, object.base);
  object.strings = reinterpret_cast<const char *>(dynamic.value[DT_STRTAB]);
  object.symbols = table<Elf64_Sym>(dynamic.value[DT_SYMTAB], count_symbols(dynamic));
  object.versions = table<Elf64_Half>(dynamic.versions, object.symbols.size());
  object.relocations = {table<Elf64_Rela>(dynamic.value[DT_RELA], dynamic.value[DT_RELASZ] / sizeof(Elf64_Rela)),
                        table<Elf64_Rela>(dynamic.value[DT_JMPREL], dynamic.value[DT_PLTRELSZ] / sizeof(Elf64_Rela))};
  object.binds_to_itself = dynamic.has_symbolic_tag || (dynamic.value[DT_FLAGS] & DF_SYMBOLIC);
  for (std::uint64_t name : dynamic.needed)
    object.needed.emplace_back(object.strings + name);
  const llvm::StringRef path = object.path;
  object.name = dynamic.value[DT_SONAME] ? object.strings + dynamic.value[DT_SONAME] : path.rsplit('/').second.str();
  if (object.name.empty())
    object.name = path.str();
}

void read_segments(SharedObject &object, llvm::ArrayRef<Elf64_Phdr> headers) {
  for (const Elf64_Phdr &header : headers) {
    const Extent extent{object.base + header.p_vaddr, object.base + header.p_vaddr + header.p_memsz};
    if (header.p_type == PT_LOAD) {
      object.addresses.begin = object.addresses.end ? std::min(object.addresses.begin, extent.begin) : extent.begin;
      object.addresses.end = std::max(object.addresses.end, extent.end);
      if (header.p_flags & PF_X)
        object.executable.push_back(extent);
      else if (!(header.p_flags & PF_W))
        object.read_only.push_back(extent);
    }
    if (header.p_type == PT_GNU_RELRO) // whole pages of it only
      object.read_only.push_back({llvm::alignDown(extent.begin, page_size), llvm::alignDown(extent.end, page_size)});
  }
}

int add_object(dl_phdr_info *info, std::size_t, void *argument) {
  auto &objects = *static_cast<std::vector<SharedObject> *>(argument);
  SharedObject object;
  object.path = info->dlpi_name;
  object.base = info->dlpi_addr;
  const llvm::ArrayRef<Elf64_Phdr> headers(info->dlpi_phdr, info->dlpi_phnum);
  const auto *dynamic = llvm::find_if(headers, [](const Elf64_Phdr &each) { return each.p_type == PT_DYNAMIC; });
  const bool is_of_kernel = llvm::StringRef(object.path).starts_with("linux-vdso");
  if (dynamic == headers.end() || is_of_kernel)
    return 0;
  read_segments(object, headers);
  read_dynamic(object, reinterpret_cast<const Elf64_Dyn *>(object.base + dynamic->p_vaddr));
  if (object.strings && !object.symbols.empty())
    objects.push_back(std::move(object));
  return 0;
}

} // namespace

bool SharedObject::offers(const Elf64_Sym &symbol) const {
  const unsigned binding = ELF64_ST_BIND(symbol.st_info), visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  const auto index = std::size_t(&symbol - symbols.begin());
  return symbol.st_shndx != SHN_UNDEF && binding != STB_LOCAL && visibility != STV_HIDDEN &&
         visibility != STV_INTERNAL && !(index < versions.size() && (versions[index] & hidden_version));
}

std::vector<SharedObject> find_shared_objects() {
  std::vector<SharedObject> objects;
  ::dl_iterate_phdr(add_object, &objects);
  return objects;
}

std::vector<bool> find_needed(llvm::ArrayRef<SharedObject> objects, std::vector<bool> roots) {
  llvm::StringMap<std::size_t> by_name;
  for (std::size_t i = 0; i != objects.size(); ++i)
    by_name.try_emplace(objects[i].name, i);
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i != objects.size(); ++i)
    if (roots[i])
      waiting.push_back(i);
  while (!waiting.empty()) {
    const std::size_t index = waiting.back();
    waiting.pop_back();
    for (const std::string &name : objects[index].needed)
      if (auto found = by_name.find(name); found != by_name.end() && !roots[found->second]) {
        roots[found->second] = true;
        waiting.push_back(found->second);
      }
  }
  return roots;
}

} // namespace osr
