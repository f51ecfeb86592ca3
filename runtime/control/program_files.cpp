// The program as it was read, for clients that compare an edited version with it.
#include "compiler/base/error.h"
#include "runtime/control/control.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/Base64.h>
#include <llvm/Support/SourceMgr.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t largest_file_sent = ControlServer::most_unread / 2; ///< bytes, before they are base64

/// As the file names it; empty if it does not.
std::string source_of(const ProgramFile &file) {
  LLVMContext context;
  SMDiagnostic diagnostic;
  const auto module = getLazyIRModule(
      MemoryBuffer::getMemBuffer(file.text->getMemBufferRef(), /*RequiresNullTerminator=*/false), diagnostic, context);
  return module ? module->getSourceFileName() : "";
}

Expected<json> describe(const ProgramFile &file, bool is_wanted) {
  json described{{"file", file.path}, {"source", source_of(file)}, {"bytes", file.text->getBufferSize()}};
  if (!is_wanted)
    return described;
  if (file.text->getBufferSize() > largest_file_sent)
    return make_error("'{}' has {} bytes, more than are sent", file.path, file.text->getBufferSize());
  described["ir"] = encodeBase64(file.text->getBuffer());
  return described;
}

/// What the files say of these is not what the program runs.
json names_of_redefined(Engine &engine) {
  Lock lock(engine.mutex(), after_waiting);
  const Bodies &bodies = engine.targets().bodies();
  json names = json::array();
  for (std::uint32_t number = 0; number != bodies.entry_count(); ++number)
    if (const FunctionId body = bodies.current(EntryId(number)); body != no_function)
      if (const FunctionInfo &info = engine.program().functions[body]; info.came_later)
        names.push_back(name_for_people(info.name));
  return names;
}

} // namespace

Expected<json> answer_files(const ControlParts &parts, const Call &call) {
  const std::vector<ProgramFile> &files = parts.engine.program().files;
  if (files.empty())
    return make_error("there is no copy of the program's files: it was not compiled with -g, or its host made it");
  const std::string wanted = text_of(call.request, "file");
  json described = json::array();
  bool is_found = wanted.empty();
  {
    const SharedLock inside(parts.engine.compiler().gate()); // a fork's child would never see LLVM's locks given back
    for (const ProgramFile &file : files) {
      auto one = describe(file, file.path == wanted);
      if (!one)
        return one.takeError();
      is_found |= file.path == wanted;
      described.push_back(std::move(*one));
    }
  }
  if (!is_found)
    return make_error("the program was not made of '{}'", wanted);
  return json{{"files", std::move(described)}, {"redefined", names_of_redefined(parts.engine)}};
}

} // namespace osr
