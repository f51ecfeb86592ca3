#include "compiler/canonical/expand_ifuncs.h"

#include "compiler/canonical/initializer_arrays.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/GlobalIFunc.h>
#include <llvm/IR/IRBuilder.h>

using namespace llvm;

namespace osr {
namespace {

/// How arguments are passed is said by the functions that may be chosen and by the calls, but not by the ifunc.
struct Passing {
  AttributeList attributes;
  CallingConv::ID convention = CallingConv::C;
};

/// Of a function that the resolver may return: one of the same type that it names.
const Function *find_candidate(const GlobalIFunc &ifunc) {
  const Function *resolver = ifunc.getResolverFunction();
  if (!resolver)
    return nullptr;
  for (const BasicBlock &block : *resolver)
    for (const Instruction &instruction : block)
      for (const Value *operand : instruction.operands()) {
        const auto *function = dyn_cast<Function>(operand->stripPointerCasts());
        const auto *call = dyn_cast<CallBase>(&instruction);
        if (function && function->getFunctionType() == ifunc.getValueType() &&
            !(call && call->getCalledOperand() == operand))
          return function;
      }
  return nullptr;
}

Passing find_passing(const GlobalIFunc &ifunc) {
  for (const User *user : ifunc.users())
    if (const auto *call = dyn_cast<CallBase>(user); call && call->getCalledOperand() == &ifunc)
      return {call->getAttributes(), call->getCallingConv()};
  if (const Function *candidate = find_candidate(ifunc))
    return {candidate->getAttributes(), candidate->getCallingConv()};
  return {};
}

/// Those that change where a value lies; the others say something about one call or one body.
AttributeList keep_places(LLVMContext &context, AttributeList all, unsigned parameters) {
  constexpr Attribute::AttrKind places[] = {Attribute::ByVal,     Attribute::StructRet,     Attribute::InReg,
                                            Attribute::ZExt,      Attribute::SExt,          Attribute::Nest,
                                            Attribute::Alignment, Attribute::StackAlignment};
  AttributeList kept;
  auto keep = [&](unsigned index, Attribute::AttrKind kind) {
    if (Attribute found = all.getAttributeAtIndex(index, kind); found.isValid())
      kept = kept.addAttributeAtIndex(context, index, found);
  };
  for (Attribute::AttrKind kind : {Attribute::ZExt, Attribute::SExt, Attribute::InReg})
    keep(AttributeList::ReturnIndex, kind);
  for (unsigned i = 0; i < parameters; ++i)
    for (Attribute::AttrKind kind : places)
      keep(AttributeList::FirstArgIndex + i, kind);
  return kept;
}

/// A word of a variable that holds the address of an ifunc: the loader writes the chosen function there.
struct Word {
  GlobalVariable *variable;
  SmallVector<unsigned, 4> path;
};

/// The constant without the addresses of the ifunc in it; `path` leads to it.
Constant *take_words(Constant *value, const GlobalIFunc &ifunc, Word path, std::vector<Word> &words) {
  if (value->stripPointerCastsAndAliases() == &ifunc) {
    words.push_back(std::move(path));
    return Constant::getNullValue(value->getType());
  }
  if (!isa<ConstantArray, ConstantStruct>(value))
    return value;
  SmallVector<Constant *, 16> members;
  for (unsigned i = 0; i < value->getNumOperands(); ++i) {
    Word inner = path;
    inner.path.push_back(i);
    members.push_back(take_words(cast<Constant>(value->getOperand(i)), ifunc, std::move(inner), words));
  }
  if (auto *array = dyn_cast<ArrayType>(value->getType()))
    return ConstantArray::get(array, members);
  return ConstantStruct::get(cast<StructType>(value->getType()), members);
}

std::vector<Word> take_words(GlobalIFunc &ifunc) {
  std::vector<Word> words;
  for (GlobalVariable &variable : ifunc.getParent()->globals()) {
    if (!variable.hasInitializer() || variable.isThreadLocal() || variable.getName().starts_with("llvm."))
      continue;
    const std::size_t before = words.size();
    Constant *rest = take_words(variable.getInitializer(), ifunc, {&variable, {}}, words);
    if (words.size() == before)
      continue;
    variable.setInitializer(rest);
    variable.setConstant(false);
  }
  return words;
}

void store_words(IRBuilder<> &builder, Value *target, const std::vector<Word> &words) {
  for (const auto &[variable, path] : words) {
    SmallVector<Value *, 5> indices{builder.getInt32(0)};
    for (unsigned index : path)
      indices.push_back(builder.getInt32(index));
    builder.CreateStore(target, builder.CreateInBoundsGEP(variable->getValueType(), variable, indices));
  }
}

Function *expand(GlobalIFunc &ifunc) {
  Module &module = *ifunc.getParent();
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  auto *type = cast<FunctionType>(ifunc.getValueType());
  const std::string name = ifunc.getName().str();
  const Passing passing = find_passing(ifunc);
  const AttributeList places = keep_places(context, passing.attributes, type->getNumParams());
  auto *chosen = new GlobalVariable(module, pointer, /*isConstant=*/false, GlobalValue::InternalLinkage,
                                    Constant::getNullValue(pointer), name + ".chosen");
  Function *function = Function::Create(type, ifunc.getLinkage(), "", &module);
  function->setVisibility(ifunc.getVisibility());
  function->setCallingConv(passing.convention);
  function->setAttributes(places);
  IRBuilder<> builder(BasicBlock::Create(context, "", function));
  SmallVector<Value *, 8> arguments(make_pointer_range(function->args()));
  CallInst *call = builder.CreateCall(type, builder.CreateLoad(pointer, chosen), arguments);
  call->setTailCallKind(CallInst::TCK_MustTail);
  call->setCallingConv(passing.convention);
  call->setAttributes(places);
  if (type->getReturnType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(call);

  auto *nothing = FunctionType::get(Type::getVoidTy(context), false);
  Function *choose = Function::Create(nothing, GlobalValue::InternalLinkage, name + ".choose", &module);
  builder.SetInsertPoint(BasicBlock::Create(context, "", choose));
  Value *target = builder.CreateCall(FunctionType::get(pointer, false), ifunc.getResolver());
  builder.CreateStore(target, chosen);
  store_words(builder, target, take_words(ifunc));
  builder.CreateRetVoid();

  ifunc.replaceAllUsesWith(function);
  function->takeName(&ifunc);
  return choose;
}

} // namespace

void expand_ifuncs(Module &module) {
  if (module.ifunc_empty())
    return;
  std::vector<Function *> choices;
  for (GlobalIFunc &ifunc : make_early_inc_range(module.ifuncs())) {
    choices.push_back(expand(ifunc));
    ifunc.eraseFromParent();
  }
  append_to_list(module, preinit_list, /*priority=*/0, choices);
}

} // namespace osr
