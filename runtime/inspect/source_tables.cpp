#include "runtime/inspect/source_tables.h"

#include "compiler/base/error.h"
#include "compiler/canonical/load.h"
#include "compiler/codegen/move_module.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/observed_values.h"
#include "compiler/target/target.h"
#include "compiler/tiers/extract.h"

#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Transforms/Utils/Cloning.h>

using namespace llvm;

namespace osr {

Error SourceTables::prepare() {
  is_begun_ = true;
  const SharedLock inside(
      engine_.compiler().gate()); // a fork's child would never see LLVM's locks given back, nor this one
  Lock lock(mutex_);
  if (!is_read_) {
    failure_ = toString(read());
    is_read_ = true;
  }
  return failure_.empty() ? Error::success() : make_error("{}", failure_);
}

/// Every step as when the program was loaded.
Error SourceTables::read() {
  const std::vector<ProgramFile> &files = engine_.program().files;
  if (files.empty())
    return make_error("nothing is known of the program's variables: it was not compiled with -g, or its host made it");
  LLVMContext context;
  auto module = load_program(context, files);
  if (!module)
    return module.takeError();
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  std::unique_ptr<Module> seeing = CloneModule(**module);
  const auto parts = observe_variables(*seeing);
  auto compiler = compile_all(std::move(*module), **machine), observer = compile_all(std::move(seeing), **machine);
  if (!compiler || !observer)
    return joinErrors(compiler.takeError(), observer.takeError());
  SourceTypes types;
  const ModuleVariables of_module = find_module_variables(*(*compiler)->program().module);
  for (const FunctionInfo &info : (*compiler)->program().functions) {
    Function &function = *(*compiler)->program().module->getFunction(info.name);
    functions_.push_back(describe_source(function, types, of_module));
    if (const Function *observed = (*observer)->program().module->getFunction(info.name))
      add_observed(function, *observed, parts, functions_.back());
  }
  globals_ = describe_globals(*(*compiler)->program().module, types);
  files_ = files_of_symbols(*(*compiler)->program().module);
  types_ = types.take();
  return Error::success();
}

Expected<std::unique_ptr<Compiler>> SourceTables::compile_all(std::unique_ptr<Module> module, TargetMachine &machine) {
  auto program = canonicalize(std::move(module), machine, KeepSource::No, DebugInformation::All);
  if (!program)
    return program.takeError();
  auto compiler = Compiler::create(std::move(*program), engine_.compiler().options());
  const AloneWithEngine alone;
  if (compiler)
    (*compiler)->number_all();
  return compiler;
}

Expected<MemoryBufferRef> SourceTables::ir_of(const std::string &function) {
  const SharedLock inside(engine_.compiler().gate());
  Lock lock(mutex_);
  std::unique_ptr<MemoryBuffer> &known = irs_[function];
  if (!known) {
    auto ir = read_ir_of(function);
    if (!ir)
      return ir.takeError();
    known = std::move(*ir);
  }
  return known->getMemBufferRef();
}

Expected<std::unique_ptr<MemoryBuffer>> SourceTables::read_ir_of(const std::string &function) {
  if (engine_.program().files.empty())
    return make_error("there is no copy of the program's files");
  LLVMContext context;
  auto module = load_program(context, engine_.program().files);
  if (!module)
    return module.takeError();
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  auto program = canonicalize(std::move(*module), **machine, KeepSource::WithVariables, DebugInformation::All);
  if (!program)
    return program.takeError();
  const Function *found = program->source->getFunction(function);
  if (!found || found->isDeclaration())
    return make_error("the program's files do not define '{}'", function);
  for (DICompileUnit *unit : program->source->debug_compile_units()) { // what is not the function's own
    unit->replaceEnumTypes({});
    unit->replaceRetainedTypes({});
    unit->replaceGlobalVariables({});
    unit->replaceImportedEntities({});
    unit->replaceMacros({});
  }
  Extractor extractor(*program->source, function);
  extractor.make_types_literal();
  extractor.clone(*found, function);
  return std::make_unique<SmallVectorMemoryBuffer>(to_bitcode(*extractor.finish()), function,
                                                   /*RequiresNullTerminator=*/false);
}

std::string SourceTables::file_of(const std::string &symbol) const {
  const auto found = files_.find(symbol);
  return found == files_.end() ? "" : found->second;
}

const FunctionSource *SourceTables::find(FunctionId body) const {
  if (body >= functions_.size() || engine_.program().functions[body].came_later)
    return nullptr;
  const FunctionSource &found = functions_[body];
  return found.fingerprint == fingerprint(engine_.compiler().code_of(body)) ? &found : nullptr;
}

/// Of a body that came later the location says a number only.
static SourceLine line_at(const FunctionInfo &body, const DILocation &at) {
  if (!body.lines.files)
    return {at.getScope()->getSubprogram()->getName().str(), at.getFilename().str(), at.getLine(), {}, {}};
  const LineInFile *line = body.lines.find(at.getLine());
  return line ? SourceLine{name_for_people(body.name).str(), (*body.lines.files)[line->file].name, line->line, {}, {}}
              : SourceLine();
}

std::optional<SourceLine> SiteLines::find(SiteId site) {
  const auto [known, is_new] = known_.try_emplace(site.function);
  if (is_new) {
    const Function &code = engine_.compiler().code_of(site.function);
    if (!code.getSubprogram())
      return std::nullopt;
    for (const Instruction &instruction : instructions(code)) {
      const auto *call = dyn_cast<CallBase>(&instruction);
      if (!call || !is_site(*call))
        continue;
      SourceLine &line = known->second.emplace_back();
      if (const DILocation *at = location_of_site(*call))
        line = line_at(engine_.program().functions[site.function], *at);
    }
  }
  if (site.index >= known->second.size() || known->second[site.index].line == 0)
    return std::nullopt;
  return known->second[site.index];
}

} // namespace osr
