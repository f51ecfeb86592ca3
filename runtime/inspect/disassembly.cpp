#include "runtime/inspect/disassembly.h"

#include "compiler/base/error.h"
#include "compiler/target/platform.h"
#include "osr-stubs/thread_state.h"
#include "runtime/machine/memory_operands.h"
#include "runtime/threads/poll_word.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCDisassembler/MCRelocationInfo.h>
#include <llvm/MC/MCDisassembler/MCSymbolizer.h>
#include <llvm/MC/MCExpr.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Triple.h>

using namespace llvm;

namespace osr {
namespace {

/// Puts names where the decoder found addresses.
class NameAddresses final : public MCSymbolizer {
public:
  NameAddresses(MCContext &context, Extent code, NameOfAddress name_of)
      : MCSymbolizer(context, std::make_unique<MCRelocationInfo>(context)), code_(code), name_of_(name_of) {}

  bool tryAddingSymbolicOperand(MCInst &instruction, raw_ostream &, std::int64_t value, std::uint64_t, bool,
                                std::uint64_t, std::uint64_t, std::uint64_t) override {
    std::optional<NamedAddress> target = find(instruction, value);
    if (!target)
      return false;
    const MCExpr *expression = MCSymbolRefExpr::create(Ctx.getOrCreateSymbol(target->name), Ctx);
    if (target->offset)
      expression = MCBinaryExpr::createAdd(expression, MCConstantExpr::create(std::int64_t(target->offset), Ctx), Ctx);
    instruction.addOperand(MCOperand::createExpr(expression));
    return true;
  }

  void tryAddingPcLoadReferenceComment(raw_ostream &, std::int64_t, std::uint64_t) override {}

private:
  /// The decoder asks for each displacement and immediate value, after the operands in front of it.
  std::optional<NamedAddress> find(const MCInst &instruction, std::int64_t value) const {
    auto address = std::uint64_t(value);
    if (auto named = name_of_(address))
      return named;
    if (code_.contains(address))
      return NamedAddress{fmt::format("L{:x}", address - code_.begin)};
    const MemoryBase base = base_of_memory(instruction, *Ctx.getRegisterInfo());
    if (base == MemoryBase::ProgramCounter)
      return NamedAddress{"constants"}; // of this version alone: constant pool, jump table
    if (base == MemoryBase::Nothing && value == object_stack_tls_offset())
      return NamedAddress{"osr_object_stack_top"}; // of the thread
    if (base == MemoryBase::Nothing && value == poll_word_tls_offset())
      return NamedAddress{"osr-poll-word"};
    return std::nullopt;
  }

  Extent code_;
  NameOfAddress name_of_;
};

/// What LLVM needs to take machine code apart, in the order in which the parts depend on each other.
struct Tools {
  Triple triple{platform_triple()};
  MCTargetOptions options;
  std::unique_ptr<MCRegisterInfo> registers;
  std::unique_ptr<MCAsmInfo> assembly;
  std::unique_ptr<MCSubtargetInfo> subtarget;
  std::unique_ptr<MCInstrInfo> instructions;
  std::unique_ptr<MCContext> context;
  std::unique_ptr<MCDisassembler> decoder;
  std::unique_ptr<MCInstPrinter> printer;
};

Error create_tools(Tools &tools) {
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(tools.triple, error);
  if (!target)
    return make_error("no disassembler: {}", error);
  tools.registers.reset(target->createMCRegInfo(tools.triple));
  tools.assembly.reset(target->createMCAsmInfo(*tools.registers, tools.triple, tools.options));
  tools.subtarget.reset(target->createMCSubtargetInfo(tools.triple, baseline_processor(), ""));
  tools.instructions.reset(target->createMCInstrInfo());
  tools.context =
      std::make_unique<MCContext>(tools.triple, tools.assembly.get(), tools.registers.get(), tools.subtarget.get());
  tools.decoder.reset(target->createMCDisassembler(*tools.subtarget, *tools.context));
  tools.printer.reset(target->createMCInstPrinter(tools.triple, shown_syntax(), *tools.assembly, *tools.instructions,
                                                  *tools.registers));
  if (!tools.decoder || !tools.printer)
    return make_error("no disassembler for {}", tools.triple.str());
  tools.printer->setPrintImmHex(true);
  return Error::success();
}

/// "\tmov\trax, rbx" as "mov rax, rbx".
std::string tidy(StringRef text) {
  std::string result = text.trim().str();
  std::replace(result.begin(), result.end(), '\t', ' ');
  return result;
}

} // namespace

Expected<std::vector<DisassembledInstruction>> disassemble(Extent code, NameOfAddress name_of) {
  Tools tools;
  if (Error error = create_tools(tools))
    return error;
  tools.decoder->setSymbolizer(std::make_unique<NameAddresses>(*tools.context, code, name_of));
  ArrayRef<std::uint8_t> bytes(reinterpret_cast<const std::uint8_t *>(code.begin), code.size());
  std::vector<DisassembledInstruction> result;
  for (std::uint64_t offset = 0, length = 0; offset < code.size(); offset += length) {
    MCInst instruction;
    std::string text;
    raw_string_ostream stream(text);
    std::uint64_t address = code.begin + offset;
    if (tools.decoder->getInstruction(instruction, length, bytes.drop_front(offset), address, nulls()) ==
        MCDisassembler::Success) {
      tools.printer->printInst(&instruction, address, "", *tools.subtarget, stream);
    } else {
      length = 1;
      stream << ".byte " << format_hex(bytes[offset], 4);
    }
    result.push_back({std::uint32_t(offset), tidy(text)});
  }
  return result;
}

} // namespace osr
