#include "test/unit/mini_jit.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/DebugInfo/DWARF/DWARFDataExtractor.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugFrame.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>

namespace osr::test {

namespace {

using namespace llvm;

/// Copies code ranges and .eh_frame of each linked object out of its link graph.
class CaptureCode : public orc::LinkGraphLinkingLayer::Plugin {
public:
  explicit CaptureCode(std::vector<std::unique_ptr<JitCode>> &objects) : objects_(objects) {}

  void modifyPassConfig(orc::MaterializationResponsibility &, jitlink::LinkGraph &,
                        jitlink::PassConfiguration &config) override {
    config.PostFixupPasses.push_back([this](jitlink::LinkGraph &graph) { return capture(graph); });
  }
  Error notifyFailed(orc::MaterializationResponsibility &) override { return Error::success(); }
  Error notifyRemovingResources(orc::JITDylib &, orc::ResourceKey) override { return Error::success(); }
  void notifyTransferringResources(orc::JITDylib &, orc::ResourceKey, orc::ResourceKey) override {}

private:
  Error capture(jitlink::LinkGraph &graph) {
    auto code = std::make_unique<JitCode>();
    for (jitlink::Section &section : graph.sections()) {
      const jitlink::SectionRange range(section);
      if (range.empty())
        continue;
      const std::uintptr_t begin = range.getStart().getValue(), end = range.getEnd().getValue();
      if (section.getName() == ".eh_frame")
        copy_section(section, begin, end, *code);
      if ((section.getMemProt() & orc::MemProt::Exec) == orc::MemProt::None)
        continue;
      code->begin = code->begin ? std::min(code->begin, begin) : begin;
      code->end = std::max(code->end, end);
      if (section.getName() == "$__STUBS") {
        code->got_stubs_begin = begin;
        code->got_stubs_end = end;
      }
      for (jitlink::Symbol *symbol : section.symbols())
        if (symbol->hasName() && symbol->isCallable() && symbol->getSize() > 0)
          code->symbols.push_back(
              {std::string(*symbol->getName()), symbol->getAddress().getValue(), symbol->getSize()});
    }
    if (!code->begin)
      return Error::success();
    std::vector<UnwindRange> stubs;
    if (code->got_stubs_begin)
      stubs.push_back({std::uint32_t(code->got_stubs_begin - code->begin),
                       std::uint32_t(code->got_stubs_end - code->got_stubs_begin), UnwindRow::leaf()});
    auto rows =
        UnwindRows::from_eh_frame(code->eh_frame, code->eh_frame_address, code->begin, code->end - code->begin, stubs);
    if (!rows)
      return rows.takeError();
    code->rows = std::move(*rows);
    objects_.push_back(std::move(code));
    return Error::success();
  }

  static void copy_section(jitlink::Section &section, std::uintptr_t begin, std::uintptr_t end, JitCode &code) {
    code.eh_frame_address = begin;
    code.eh_frame.resize(end - begin);
    for (jitlink::Block *block : section.blocks())
      std::copy(block->getContent().begin(), block->getContent().end(),
                code.eh_frame.begin() + (block->getAddress().getValue() - begin));
  }

  std::vector<std::unique_ptr<JitCode>> &objects_;
};

} // namespace

struct MiniJit::Implementation {
  ExitOnError check{"MiniJit: "};
  std::unique_ptr<orc::LLJIT> jit;
};

MiniJit::MiniJit() : implementation_(std::make_unique<Implementation>()) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto &check = implementation_->check;
  auto machine = check(orc::JITTargetMachineBuilder::detectHost());
  machine.setRelocationModel(Reloc::PIC_).setCodeModel(CodeModel::Small);
  implementation_->jit = check(orc::LLJITBuilder().setJITTargetMachineBuilder(machine).create());
  auto &layer = static_cast<orc::ObjectLinkingLayer &>(implementation_->jit->getObjLinkingLayer());
  layer.addPlugin(std::make_shared<CaptureCode>(objects_));
}

MiniJit::~MiniJit() = default;

void MiniJit::add_ir(const std::string &ir) {
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  auto module = parseAssemblyString(ir, diagnostic, *context);
  if (!module) {
    diagnostic.print("MiniJit", errs());
    std::abort();
  }
  implementation_->check(implementation_->jit->addIRModule({std::move(module), std::move(context)}));
}

void MiniJit::define(const std::string &name, void *address) {
  auto &jit = *implementation_->jit;
  const orc::ExecutorSymbolDef symbol(orc::ExecutorAddr::fromPtr(address), JITSymbolFlags::Exported);
  implementation_->check(jit.getMainJITDylib().define(orc::absoluteSymbols({{jit.mangleAndIntern(name), symbol}})));
}

std::uintptr_t MiniJit::address(const std::string &name) {
  return implementation_->check(implementation_->jit->lookup(name)).getValue();
}

const JitCode *MiniJit::find(std::uintptr_t pc) const {
  for (const auto &code : objects_)
    if (pc >= code->begin && pc < code->end)
      return code.get();
  return nullptr;
}

namespace {

constexpr std::pair<unsigned, const char *> saved_registers[] = {{3, "rbx"},  {6, "rbp"},  {12, "r12"},
                                                                 {13, "r13"}, {14, "r14"}, {15, "r15"}};

std::string to_text(const dwarf::UnwindRow &row) {
  const dwarf::UnwindLocation &cfa = row.getCFAValue();
  if (cfa.getLocation() != dwarf::UnwindLocation::RegPlusOffset)
    return "unusable";
  std::string text = cfa.getRegister() == 7 ? "rsp" : "?";
  for (auto [number, name] : saved_registers)
    if (cfa.getRegister() == number)
      text = name;
  text += "+" + std::to_string(cfa.getOffset());
  for (auto [number, name] : saved_registers)
    if (auto location = row.getRegisterLocations().getRegisterLocation(number))
      if (location->getLocation() == dwarf::UnwindLocation::CFAPlusOffset)
        text += std::string(" ") + name + "=[" + std::to_string(location->getOffset()) + "]";
  return text;
}

} // namespace

std::vector<std::string> rows_by_llvm(const JitCode &code) {
  ExitOnError check("LLVM's reader: ");
  DWARFDebugFrame frame(Triple::x86_64, true, code.eh_frame_address);
  const StringRef bytes(reinterpret_cast<const char *>(code.eh_frame.data()), code.eh_frame.size());
  check(frame.parse(DWARFDataExtractor(bytes, true, 8)));
  std::vector<std::string> rows(code.end - code.begin);
  for (const dwarf::FrameEntry &entry : frame.entries()) {
    const auto *fde = dyn_cast<dwarf::FDE>(&entry);
    if (!fde)
      continue;
    const dwarf::UnwindTable table = check(dwarf::createUnwindTable(fde));
    const std::uint64_t end = fde->getInitialLocation() + fde->getAddressRange();
    for (std::size_t i = 0; i < table.size(); ++i) {
      const std::uint64_t row_end = i + 1 < table.size() ? table[i + 1].getAddress() : end;
      for (std::uint64_t pc = table[i].getAddress(); pc < row_end; ++pc)
        rows[pc - code.begin] = to_text(table[i]);
    }
  }
  return rows;
}

} // namespace osr::test
