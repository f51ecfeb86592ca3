#include "runtime/code/library_file.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/FileSystem.h>

#include <dlfcn.h>
#include <memory>
#include <vector>

namespace osr {
namespace {

using File = llvm::object::ELFObjectFile<llvm::object::ELF64LE>;

/// Where the dynamic linker looks for libraries of the executable.
std::vector<std::string> search_path() {
  std::vector<std::string> folders;
  void *executable = ::dlopen(nullptr, RTLD_LAZY);
  Dl_serinfo size;
  if (::dlinfo(executable, RTLD_DI_SERINFOSIZE, &size) != 0)
    return folders;
  const auto memory = std::make_unique<std::byte[]>(size.dls_size);
  auto *info = reinterpret_cast<Dl_serinfo *>(memory.get());
  if (::dlinfo(executable, RTLD_DI_SERINFOSIZE, info) == 0 && ::dlinfo(executable, RTLD_DI_SERINFO, info) == 0)
    for (unsigned i = 0; i != info->dls_cnt; ++i)
      folders.emplace_back(info->dls_serpath[i].dls_name);
  return folders;
}

/// "": there is none.
std::string find_file(const std::string &path) {
  if (path.find('/') != std::string::npos)
    return llvm::sys::fs::exists(path) ? path : "";
  for (const std::string &folder : search_path())
    if (std::string whole = folder + '/' + path; llvm::sys::fs::exists(whole))
      return whole;
  return "";
}

bool is_loaded(const std::string &path) {
  void *library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library)
    ::dlclose(library);
  return library != nullptr;
}

bool mentions(const File &file, llvm::function_ref<bool(llvm::StringRef)> is_wanted) {
  for (const llvm::object::ELFSymbolRef symbol : file.getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    if (!name)
      llvm::consumeError(name.takeError());
    else if (symbol.getBinding() != llvm::ELF::STB_LOCAL && is_wanted(*name))
      return true;
  }
  return false;
}

std::vector<std::string> needed_by(const File &file) {
  std::vector<std::string> needed;
  auto entries = file.getELFFile().dynamicEntries();
  if (!entries) {
    llvm::consumeError(entries.takeError());
    return needed;
  }
  std::uint64_t strings = 0;
  for (const auto &entry : *entries)
    if (entry.getTag() == llvm::ELF::DT_STRTAB)
      strings = entry.getPtr();
  auto table = file.getELFFile().toMappedAddr(strings);
  if (!table) {
    llvm::consumeError(table.takeError());
    return needed;
  }
  const llvm::StringRef bytes = file.getData();
  const auto offset = std::uint64_t(*table - bytes.bytes_begin());
  for (const auto &entry : *entries)
    if (entry.getTag() == llvm::ELF::DT_NEEDED && offset + entry.getVal() < bytes.size())
      needed.push_back(bytes.drop_front(offset + entry.getVal()).take_until([](char c) { return c == 0; }).str());
  return needed;
}

} // namespace

bool library_mentions(const std::string &path, llvm::function_ref<bool(llvm::StringRef)> is_wanted) {
  std::vector<std::string> waiting{path};
  llvm::StringSet<> seen;
  while (!waiting.empty()) {
    const std::string next = std::move(waiting.back());
    waiting.pop_back();
    const std::string file = seen.insert(next).second && !is_loaded(next) ? find_file(next) : "";
    if (file.empty())
      continue;
    auto object = llvm::object::ObjectFile::createObjectFile(file);
    if (!object) {
      llvm::consumeError(object.takeError()); // who loads it says why
      continue;
    }
    const auto *elf = llvm::dyn_cast<File>(object->getBinary());
    if (elf && mentions(*elf, is_wanted))
      return true;
    if (elf)
      for (std::string &needed : needed_by(*elf))
        waiting.push_back(std::move(needed));
  }
  return false;
}

} // namespace osr
