#include "codegen_fixture.h"

#include "compiler/target/target.h"
#include "test/support/catch_header.h"

#include <fmt/format.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstrAnalysis.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;

namespace osr {
namespace {

EmittedCode disassemble(ArrayRef<std::uint8_t> code) {
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  MCContext context(machine->getTargetTriple(), machine->getMCAsmInfo(), machine->getMCRegisterInfo(),
                    machine->getMCSubtargetInfo());
  std::unique_ptr<MCDisassembler> disassembler(
      machine->getTarget().createMCDisassembler(*machine->getMCSubtargetInfo(), context));
  std::unique_ptr<MCInstrAnalysis> analysis(machine->getTarget().createMCInstrAnalysis(machine->getMCInstrInfo()));
  EmittedCode found;
  found.code = code.vec();
  for (std::uint64_t offset = 0, size = 0; offset < code.size(); offset += size) {
    MCInst instruction;
    auto status = disassembler->getInstruction(instruction, size, code.drop_front(offset), offset, nulls());
    INFO("at offset " << offset);
    REQUIRE(status == MCDisassembler::Success);
    std::uint64_t target = 0;
    if (machine->getMCInstrInfo()->get(instruction.getOpcode()).isCall())
      found.return_pcs.insert(offset + size);
    else if (analysis->evaluateBranch(instruction, offset, size, target) && target < code.size())
      found.branch_targets.insert(target);
  }
  return found;
}

} // namespace

std::string loop_with_a_call(const std::string &name, unsigned step) {
  return fmt::format(R"(
  define i64 @{}(i64 %n) {{
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %loop ]
    %next = add i64 %i, {}
    %x = call i64 @ext(i64 %i)
    %more = icmp ult i64 %next, %n
    br i1 %more, label %loop, label %done
  done:
    %r = add i64 %x, %n
    ret i64 %r
  }})",
                     name, step);
}

CompiledText::CompiledText(const std::string &text, Compiler::Options options) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context_);
  INFO(diagnostic.getMessage().str() << " in line " << diagnostic.getLineNo() << " of\n" << text);
  REQUIRE(module);
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  CanonicalProgram program = cantFail(canonicalize(std::move(module), *machine));
  compiler_ = cantFail(Compiler::create(std::move(program), options));
}

FunctionId CompiledText::id(const std::string &name) const {
  const FunctionInfo *info = compiler_->program().find_function(name);
  REQUIRE(info);
  return info->id;
}

CompiledVersion CompiledText::compile(const std::string &name, Tier tier, std::optional<std::uint32_t> continuation) {
  return cantFail(compiler_->compile({id(name), tier, continuation}));
}

EmittedCode inspect(const CompiledVersion &version) {
  auto object = cantFail(object::ObjectFile::createObjectFile(version.object->getMemBufferRef()));
  EmittedCode result;
  bool found = false;
  for (const object::SymbolRef &symbol : object->symbols())
    if (cantFail(symbol.getType()) == object::SymbolRef::ST_Function && cantFail(symbol.getName()) == version.symbol) {
      StringRef text = cantFail(cantFail(symbol.getSection())->getContents());
      std::uint64_t begin = cantFail(symbol.getValue());
      std::uint64_t size = object::ELFSymbolRef(symbol).getSize();
      result = disassemble(arrayRefFromStringRef(text.substr(begin, size)));
      found = true;
    }
  REQUIRE(found);
  for (const object::SectionRef &section : object->sections())
    if (cantFail(section.getName()) == ".llvm_stackmaps")
      result.map = cantFail(parse_stack_map(arrayRefFromStringRef(cantFail(section.getContents()))));
  return result;
}

std::map<std::uint64_t, std::uint64_t> record_offsets(const EmittedCode &code) {
  std::map<std::uint64_t, std::uint64_t> offsets;
  for (const RawRecord &record : code.map.records) {
    INFO("record " << record.id);
    REQUIRE(offsets.emplace(record.id, record.instruction_offset).second);
  }
  return offsets;
}

} // namespace osr
