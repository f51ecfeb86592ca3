// A host whose program grows: it makes functions with LLVM one by one, calls them, and replaces their activations while they
// run. docs/embedding.md goes through it step by step.
#include <osr/runtime.h>
#include <osr/thread.h>

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace {

osr::Runtime *runtime = nullptr;

/// i64 NAME(i64 n): n == 0 ? pause() : n `combined with` NAME(n - 1)
llvm::orc::ThreadSafeModule make_recursion(const char *name, llvm::Instruction::BinaryOps combine) {
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>(name, *context);
  llvm::IRBuilder<> builder(*context);
  auto *type = llvm::FunctionType::get(builder.getInt64Ty(), {builder.getInt64Ty()}, false);
  auto *function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module.get());
  llvm::FunctionCallee pause = module->getOrInsertFunction("pause_here", builder.getInt64Ty());
  llvm::Value *n = function->getArg(0);
  auto *entry = llvm::BasicBlock::Create(*context, "entry", function);
  auto *last = llvm::BasicBlock::Create(*context, "last", function);
  auto *more = llvm::BasicBlock::Create(*context, "more", function);
  builder.SetInsertPoint(entry);
  builder.CreateCondBr(builder.CreateIsNull(n), last, more);
  builder.SetInsertPoint(last);
  builder.CreateRet(builder.CreateCall(pause));
  builder.SetInsertPoint(more);
  llvm::Value *rest = builder.CreateCall(function, {builder.CreateSub(n, builder.getInt64(1))});
  builder.CreateRet(builder.CreateBinOp(combine, rest, n));
  return {std::move(module), std::move(context)};
}

/// Called by the program when all activations of a recursion are on the stack.
std::int64_t pause_here() {
  auto outcome = llvm::cantFail(runtime->replace("sum", {.to = osr::Tier::Optimized}));
  std::printf("%llu activations go on in optimised code\n", (unsigned long long)outcome.rewritten);
  return 0;
}

} // namespace

int main() {
  auto owner = llvm::cantFail(osr::Runtime::create({.tier = osr::Tier::Baseline}));
  runtime = owner.get();
  llvm::cantFail(runtime->define({{"pause_here", reinterpret_cast<std::uint64_t>(&pause_here)}}));
  llvm::cantFail(runtime->add(make_recursion("sum", llvm::Instruction::Add)));

  auto thread = llvm::cantFail(osr::ThreadAttachment::attach());
  const std::uint64_t sum = llvm::cantFail(runtime->lookup("sum"));
  std::printf("sum: %llu\n", (unsigned long long)thread.call(sum, 100));

  // A new body of the same name and type, under a caller that stays what it was.
  const char *body = "define i64 @sum(i64 %n) { %twice = mul i64 %n, 2  ret i64 %twice }";
  llvm::cantFail(runtime->redefine("sum", llvm::MemoryBufferRef(body, "sum")));
  std::printf("redefined: %llu\n", (unsigned long long)thread.call(sum, 100));
}
