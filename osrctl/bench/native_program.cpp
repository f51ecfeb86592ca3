#include "osrctl/bench/native_program.h"

#include "compiler/base/error.h"
#include "runtime/guest/standard_library.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/FileUtilities.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Program.h>

using namespace llvm;

namespace osr {
namespace {

/// Whether it needs something of C++'s library or runtime.
bool needs_cxx(const Module &program) {
  return any_of(program.functions(), [](const Function &function) {
    return function.isDeclaration() &&
           (function.getName().starts_with("_Z") || function.getName().starts_with("__cxa_") ||
            function.getName().starts_with("__gxx_"));
  });
}

/// The first line that says what is wrong: the others are about where.
std::string first_error(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, false);
  const auto *line =
      find_if(lines, [](StringRef each) { return each.contains("error:") || each.contains("undefined"); });
  return line != lines.end() ? line->trim().str() : lines.empty() ? std::string("it says nothing") : lines.back().str();
}

} // namespace

Error make_native(const Module &program, const std::string &bitcode, const std::string &path,
                  const NativeOptions &options) {
  auto clang = sys::findProgramByName(options.clang);
  if (!clang)
    return make_error("'{}' is not installed", options.clang);
  std::vector<std::string> words{*clang, "-O2", "-w", "-x", "ir", bitcode, "-x", "none", "-o", path};
  if (needs_cxx(program))
    words.push_back("--driver-mode=g++");
  if (find_libcxx_symbol(program))
    words.push_back("-stdlib=libc++");
  append_range(words, options.link_with);
  words.push_back("-lm");
  SmallString<128> errors;
  if (std::error_code error = sys::fs::createTemporaryFile("osr-native", "txt", errors))
    return make_error("cannot make a file for what {} says: {}", *clang, error.message());
  const FileRemover remover(errors);
  const std::vector<StringRef> arguments(words.begin(), words.end());
  const std::optional<StringRef> files[] = {StringRef(), StringRef(), StringRef(errors)};
  std::string problem;
  if (sys::ExecuteAndWait(*clang, arguments, std::nullopt, files, 0, 0, &problem) == 0)
    return Error::success();
  auto text = MemoryBuffer::getFile(errors);
  return make_error("{} does not make it: {} (--link 'FLAGS' adds what it has to be linked with)", *clang,
                    problem.empty() && text ? first_error((*text)->getBuffer()) : problem);
}

std::uint64_t code_bytes_of(const std::string &path) {
  auto file = object::ObjectFile::createObjectFile(path);
  if (!file) {
    consumeError(file.takeError());
    return 0;
  }
  std::uint64_t bytes = 0;
  for (const object::SectionRef &section : file->getBinary()->sections())
    if (section.isText())
      bytes += section.getSize();
  return bytes;
}

} // namespace osr
