#include "compiler/codegen/move_module.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *detached_kind = "osr.loop";

/// For each block's last instruction that has metadata of one kind; it gets what `change` returns of another kind.
void replace_metadata(Module &module, unsigned from, unsigned to, function_ref<MDNode *(MDNode *)> change) {
  for (Function &function : module)
    for (BasicBlock &block : function)
      if (Instruction *last = block.getTerminator(); MDNode *found = last->getMetadata(from)) {
        last->setMetadata(from, nullptr);
        last->setMetadata(to, change(found));
      }
}

} // namespace

SmallVector<char, 0> to_bitcode(const Module &module) {
  SmallVector<char, 0> bitcode;
  raw_svector_ostream stream(bitcode);
  WriteBitcodeToFile(module, stream);
  return bitcode;
}

Expected<std::unique_ptr<Module>> move_to_context(const Module &module, LLVMContext &context) {
  const SmallVector<char, 0> bitcode = to_bitcode(module);
  auto moved = parseBitcodeFile(MemoryBufferRef(StringRef(bitcode.data(), bitcode.size()), module.getName()), context);
  if (!moved) // the program may have metadata that LLVM writes and does not take back
    return make_error("'{}' cannot be read again: {}", module.getName().str(), toString(moved.takeError()));
  return moved;
}

Expected<ApartModule> move_apart(const Module &module) {
  ApartModule apart{std::make_unique<LLVMContext>(), nullptr};
  auto moved = move_to_context(module, *apart.context);
  if (!moved)
    return moved.takeError();
  apart.module = std::move(*moved);
  return apart;
}

void LoopProperties::detach(Module &module) {
  LLVMContext &context = module.getContext();
  replace_metadata(module, LLVMContext::MD_loop, context.getMDKindID(detached_kind), [&](MDNode *node) {
    SmallVector<Metadata *, 4> properties(drop_begin(node->operands())); // the first is the node itself
    return MDNode::get(context, properties);
  });
}

void LoopProperties::attach(Module &module) {
  LLVMContext &context = module.getContext();
  replace_metadata(module, context.getMDKindID(detached_kind), LLVMContext::MD_loop, [&](MDNode *node) {
    MDNode *&distinct = known_[node];
    if (!distinct) {
      SmallVector<Metadata *, 4> operands{nullptr};
      append_range(operands, node->operands());
      distinct = MDNode::getDistinct(context, operands);
      distinct->replaceOperandWith(0, distinct);
    }
    return distinct;
  });
}

} // namespace osr
