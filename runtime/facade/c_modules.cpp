// The C interface of modules and their name spaces.
#include "compiler/base/error_code.h"
#include "osr/library.h"
#include "runtime/facade/c_support.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;
using namespace osr;

struct osr_library {
  Library library;
};

namespace {

Expected<orc::ThreadSafeModule> module_from(const char *bytes, std::size_t size, const char *name) {
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  const auto text = MemoryBuffer::getMemBufferCopy(StringRef(bytes, size), name); // with a null byte behind it
  std::unique_ptr<Module> read = parseIR(text->getMemBufferRef(), diagnostic, *context);
  if (!read)
    return osr::make_error(ErrorCode::Invalid, "module '{}' is no IR: {} (line {})", name,
                           diagnostic.getMessage().str(), diagnostic.getLineNo());
  return orc::ThreadSafeModule(std::move(read), std::move(context));
}

/// What LLVM's C interface hands out is one of these.
orc::ThreadSafeModule take(LLVMOrcOpaqueThreadSafeModule *given) {
  const std::unique_ptr<orc::ThreadSafeModule> owned(reinterpret_cast<orc::ThreadSafeModule *>(given));
  return owned ? std::move(*owned) : orc::ThreadSafeModule();
}

template <typename Adder> char *add_to(Adder &adder, Expected<orc::ThreadSafeModule> read, osr_module *module) {
  return read ? give(adder.add(std::move(*read)), module) : message_of(read.takeError());
}

} // namespace

char *osr_add_ir(osr_runtime *runtime, const char *bytes, std::size_t size, const char *name, osr_module *module) {
  return add_to(*runtime->runtime, module_from(bytes, size, name), module);
}

char *osr_add_module(osr_runtime *runtime, LLVMOrcOpaqueThreadSafeModule *given, osr_module *module) {
  return add_to(*runtime->runtime, take(given), module);
}

char *osr_library_create(osr_runtime *runtime, const char *name, osr_library **library) {
  auto created = Library::create(*runtime->runtime, name);
  if (!created)
    return message_of(created.takeError());
  *library = new osr_library{*created};
  return nullptr;
}

char *osr_library_add_to_link_order(osr_library *library, const osr_library *other) {
  return message_of(library->library.add_to_link_order(other->library));
}

char *osr_library_add_ir(osr_library *library, const char *bytes, std::size_t size, const char *name,
                         osr_module *module) {
  return add_to(library->library, module_from(bytes, size, name), module);
}

char *osr_library_add_module(osr_library *library, LLVMOrcOpaqueThreadSafeModule *given, osr_module *module) {
  return add_to(library->library, take(given), module);
}

char *osr_library_lookup(osr_library *library, const char *name, std::uint64_t *address) {
  return give(library->library.lookup(name), address);
}

char *osr_library_name_of(osr_library *library, const char *name) {
  return copy_message(library->library.name_of(name));
}

void osr_library_forget(osr_library *library) { delete library; }
