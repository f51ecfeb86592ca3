// Runs passes of LLVM over a program and then says at each call what it has found out about the callee: a program as a
// front end would write it that knows all that.
//
//     put_attributes PIPELINE IN.bc OUT.bc
#include "compiler/base/run_passes.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Triple.h>

using namespace llvm;

namespace {

ExitOnError exit_on_error("put_attributes: ");

void run_pipeline(Module &module, StringRef pipeline) {
  PassBuilder builder;
  ModulePassManager passes;
  exit_on_error(builder.parsePassPipeline(passes, pipeline));
  osr::run_passes(module, builder, std::move(passes));
}

constexpr Attribute::AttrKind of_calls[] = {Attribute::Memory, Attribute::NoFree, Attribute::NoSync,
                                            Attribute::WillReturn, Attribute::NoUnwind};
constexpr Attribute::AttrKind of_values[] = {
    Attribute::Captures, Attribute::ReadOnly, Attribute::ReadNone, Attribute::WriteOnly,       Attribute::NoAlias,
    Attribute::NonNull,  Attribute::NoUndef,  Attribute::NoFree,   Attribute::Dereferenceable, Attribute::Range};

/// Arguments of more than the callee has are left alone.
void say_at(CallBase &call, const Function &callee) {
  LLVMContext &context = call.getContext();
  const AttributeList known = callee.getAttributes();
  const auto copy = [&](unsigned index, ArrayRef<Attribute::AttrKind> kinds) {
    for (Attribute::AttrKind kind : kinds)
      if (Attribute found = known.getAttributeAtIndex(index, kind); found.isValid())
        call.setAttributes(call.getAttributes()
                               .removeAttributeAtIndex(context, index, kind)
                               .addAttributeAtIndex(context, index, found));
  };
  copy(AttributeList::FunctionIndex, of_calls);
  copy(AttributeList::ReturnIndex, of_values);
  for (unsigned i = 0; i < callee.arg_size(); ++i)
    copy(AttributeList::FirstArgIndex + i, of_values);
}

} // namespace

int main(int count, char **arguments) {
  if (count != 4) {
    errs() << "usage: put_attributes PIPELINE IN.bc OUT.bc\n";
    return 2;
  }
  LLVMContext context;
  SMDiagnostic diagnostic;
  auto module = parseIRFile(arguments[2], diagnostic, context);
  if (!module) {
    diagnostic.print("put_attributes", errs());
    return 1;
  }
  run_pipeline(*module, arguments[1]);
  unsigned calls = 0;
  for (Function &function : *module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallBase>(&instruction); call && !isa<IntrinsicInst>(call))
        if (const Function *callee = call->getCalledFunction()) {
          say_at(*call, *callee);
          calls += call->getAttributes().hasFnAttr(Attribute::Memory);
        }
  if (verifyModule(*module, &errs()))
    return 1;
  std::error_code error;
  raw_fd_ostream out(arguments[3], error);
  WriteBitcodeToFile(*module, out);
  outs() << calls << '\n';
  return 0;
}
