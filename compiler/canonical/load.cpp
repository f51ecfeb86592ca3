#include "compiler/canonical/load.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error_code.h"
#include "compiler/canonical/initializer_arrays.h"
#include "compiler/canonical/reserved_names.h"
#include "compiler/target/platform.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *remedy = "'clang -O1 -emit-llvm -c' makes what is expected";

Error check_target(Module &module, const std::string &path) {
  Triple triple = module.getTargetTriple();
  bool none = triple.empty() || triple.str() == "unknown-unknown-unknown";
  if (!none && !is_for_this_platform(triple))
    return make_error("{}: compiled for '{}', but only {} is supported; compile it again with --target={}", path,
                      triple.str(), platform_name(), platform_triple());
  Triple ours(platform_triple());
  std::string layout = ours.computeDataLayout();
  if (!module.getDataLayoutStr().empty() && module.getDataLayout() != DataLayout(layout))
    return make_error("{}: data layout '{}' differs from that of {}, '{}'; compile it again with --target={}", path,
                      module.getDataLayoutStr(), platform_name(), layout, platform_triple());
  module.setTargetTriple(ours);
  module.setDataLayout(layout);
  return Error::success();
}

std::string reason(const SMDiagnostic &diagnostic, const std::string &collected) {
  std::string text = diagnostic.getMessage().str();
  if (diagnostic.getLineNo() > 0)
    text = fmt::format("line {}, column {}: {}", diagnostic.getLineNo(), diagnostic.getColumnNo() + 1, text);
  if (!collected.empty())
    text += (text.empty() ? "" : ": ") + collected;
  return text;
}

Expected<ProgramFile> open_file(const std::string &path) {
  auto buffer = MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return make_error("{}: cannot be opened: {}", path, buffer.getError().message());
  if ((*buffer)->getBufferSize() == 0) // as text, it would be a module without anything in it
    return make_error("{}: the file is empty; {}", path, remedy);
  return ProgramFile{path, std::move(*buffer)};
}

Expected<std::unique_ptr<Module>> parse_one(LLVMContext &context, MemoryBufferRef text, const std::string &collected) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIR(text, diagnostic, context);
  if (!module)
    return make_error("{}", reason(diagnostic, collected));
  return module;
}

/// A file may have several modules, which are one unit: -fsplit-lto-unit puts what all of a program has to see into one of its own.
Expected<std::unique_ptr<Module>> parse_file(LLVMContext &context, MemoryBufferRef text,
                                             const DiagnosticScope &diagnostics) {
  const auto *begin = reinterpret_cast<const unsigned char *>(text.getBufferStart());
  auto parts =
      isBitcode(begin, begin + text.getBufferSize()) ? getBitcodeModuleList(text) : std::vector<BitcodeModule>();
  if (!parts)
    return parts.takeError();
  if (parts->size() < 2)
    return parse_one(context, text, diagnostics.errors());
  std::unique_ptr<Module> whole;
  for (BitcodeModule &part : *parts) {
    auto module = part.parseModule(context);
    if (!module)
      return module.takeError();
    if (!whole)
      whole = std::move(*module);
    else if (Linker(*whole).linkInModule(std::move(*module)) || !diagnostics.errors().empty())
      return make_error("its modules cannot be linked: {}", diagnostics.errors());
  }
  return whole;
}

Expected<std::unique_ptr<Module>> read_file(LLVMContext &context, const ProgramFile &file,
                                            DiagnosticScope &diagnostics) {
  const std::string &path = file.path;
  diagnostics.forget_errors();
  auto module = parse_file(context, file.text->getMemBufferRef(), diagnostics);
  if (!module)
    return make_error("{}: cannot be read as LLVM IR: {}; {}", path, toString(module.takeError()), remedy);
  if (Error error = check_read_module(**module, path))
    return error;
  if (Error error = list_initializer_arrays(**module)) // now: linking appends lists file by file, as a linker does
    return make_error("{}: {}", path, toString(std::move(error)));
  return module;
}

/// Makes one module of those that `next` reads, until it returns null.
Expected<std::unique_ptr<Module>> link(LLVMContext &context,
                                       function_ref<Expected<std::unique_ptr<Module>>(DiagnosticScope &)> next) {
  DiagnosticScope diagnostics(context);
  std::unique_ptr<Module> program;
  for (;;) {
    auto module = next(diagnostics);
    if (!module)
      return module.takeError();
    if (!*module)
      return program;
    if (!program) {
      program = std::move(*module);
      continue;
    }
    const std::string name = (*module)->getModuleIdentifier();
    diagnostics.forget_errors();
    if (Linker(*program).linkInModule(std::move(*module)) || !diagnostics.errors().empty())
      return make_error("{}: cannot be linked with the files before it: {}", name, diagnostics.errors());
  }
}

/// The program may not depend on what others make of the file.
std::shared_ptr<const MemoryBuffer> copy_of(const MemoryBuffer &text) {
  return MemoryBuffer::getMemBufferCopy(text.getBuffer(), text.getBufferIdentifier());
}

} // namespace

Error check_read_module(Module &module, const std::string &name) {
  std::string invalid;
  raw_string_ostream stream(invalid);
  if (verifyModule(module, &stream))
    return make_error(ErrorCode::Invalid, "{}: invalid LLVM IR: {}", name, StringRef(invalid).trim().str());
  if (Error error = check_target(module, name))
    return error;
  if (Error error = free_reserved_names(module))
    return make_error("{}: {}", name, toString(std::move(error)));
  return Error::success();
}

Expected<std::unique_ptr<Module>> load_program(LLVMContext &context, ArrayRef<std::string> paths,
                                               std::vector<ProgramFile> &files) {
  if (paths.empty())
    return make_error("no program was given; name at least one LLVM bitcode or text IR file");
  bool has_debug_information = false;
  std::vector<ProgramFile> read;
  auto program = link(context, [&](DiagnosticScope &diagnostics) -> Expected<std::unique_ptr<Module>> {
    if (read.size() == paths.size())
      return nullptr;
    auto file = open_file(paths[read.size()]);
    if (!file)
      return file.takeError();
    read.push_back(std::move(*file));
    auto module = read_file(context, read.back(), diagnostics);
    has_debug_information |= module && !(*module)->debug_compile_units().empty();
    return module;
  });
  if (program && has_debug_information)
    for (const ProgramFile &file : read)
      files.push_back({file.path, copy_of(*file.text)});
  return program;
}

Expected<std::unique_ptr<Module>> load_program(LLVMContext &context, ArrayRef<std::string> paths) {
  std::vector<ProgramFile> files;
  return load_program(context, paths, files);
}

Expected<std::unique_ptr<Module>> load_program(LLVMContext &context, ArrayRef<ProgramFile> files) {
  return link(context, [&](DiagnosticScope &diagnostics) -> Expected<std::unique_ptr<Module>> {
    if (files.empty())
      return nullptr;
    const ProgramFile &file = files.front();
    files = files.drop_front();
    return read_file(context, file, diagnostics);
  });
}

} // namespace osr
