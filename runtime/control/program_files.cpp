// The program as it was read, for clients that compare an edited version with it.
#include "compiler/base/error.h"
#include "runtime/control/control.h"

#include <llvm/IR/DebugInfoMetadata.h>
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

/// What the file's line of the linker's record says, if it has one only: whose it is is not said there.
std::string only_recorded_line(const Module &module) {
  const NamedMDNode *lines = module.getNamedMetadata("llvm.commandline"); // of -frecord-command-line
  if (!lines || lines->getNumOperands() != 1 || lines->getOperand(0)->getNumOperands() != 1)
    return "";
  const auto *text = dyn_cast_or_null<MDString>(lines->getOperand(0)->getOperand(0));
  return text ? text->getString().str() : "";
}

/// The sources that the file was made of, and how each was compiled, if the compiler was told to say so.
json describe_units(const Module &module) {
  json units = json::array();
  for (const DICompileUnit *unit : module.debug_compile_units()) {
    json described{{"source", unit->getFilename().str()}, {"directory", unit->getDirectory().str()}};
    if (!unit->getFlags().empty()) // of -grecord-command-line
      described["command"] = unit->getFlags().str();
    units.push_back(std::move(described));
  }
  if (const std::string line = only_recorded_line(module);
      !line.empty() && units.size() == 1 && !units.front().contains("command"))
    units.front()["command"] = line;
  return units;
}

/// As the file names it; empty if it does not.
void describe_source(const ProgramFile &file, json &described) {
  LLVMContext context;
  SMDiagnostic diagnostic;
  const auto module = getLazyIRModule(
      MemoryBuffer::getMemBuffer(file.text->getMemBufferRef(), /*RequiresNullTerminator=*/false), diagnostic, context);
  described["source"] = module ? module->getSourceFileName() : "";
  if (module && !errorToBool(module->materializeMetadata()))
    described["units"] = describe_units(*module);
}

Expected<json> describe(const ProgramFile &file, bool is_wanted) {
  json described{{"file", file.path}, {"bytes", file.text->getBufferSize()}};
  describe_source(file, described);
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
