#include "compiler/canonical/initializer_arrays.h"

#include "compiler/base/error.h"

#include <llvm/IR/Constants.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint32_t without_priority = 65535; // as front ends write it

struct ArraySection {
  StringRef prefix;
  const char *list;
  bool counts_down; ///< its numbers rise towards what runs later (.init_array) or earlier (.ctors)
};
constexpr ArraySection array_sections[] = {
    {".preinit_array", preinit_list, false}, {".init_array", "llvm.global_ctors", false},
    {".ctors", "llvm.global_ctors", true},   {".fini_array", "llvm.global_dtors", false},
    {".dtors", "llvm.global_dtors", true},
};

struct Place {
  StringRef list;
  std::uint32_t priority;
};

std::optional<Place> place_of(const GlobalVariable &variable) {
  StringRef section = variable.getSection();
  for (const ArraySection &known : array_sections) {
    StringRef rest = section;
    if (!rest.consume_front(known.prefix))
      continue;
    if (rest.empty())
      return Place{known.list, without_priority};
    std::uint32_t number = 0;
    if (rest.consume_front(".") && !rest.getAsInteger(10, number) && number <= without_priority)
      return Place{known.list, known.counts_down ? without_priority - number : number};
  }
  return std::nullopt;
}

/// The functions of a list, one by one, as they lie in memory.
Error flatten(Constant *value, const GlobalVariable &variable, std::vector<Constant *> &functions) {
  if (value->isNullValue() || isa<UndefValue>(value))
    return Error::success(); // padding, and the ends of old-style lists
  if (value->getType()->isPointerTy()) {
    functions.push_back(value);
    return Error::success();
  }
  if (const auto *number = dyn_cast<ConstantInt>(value); number && number->isMinusOne())
    return Error::success(); // how .ctors begins
  if (!value->getType()->isAggregateType())
    return make_error("'{}' in section {} holds something that is no function; put only pointers to functions there",
                      variable.getName().str(), variable.getSection().str());
  for (unsigned i = 0; Constant *member = value->getAggregateElement(i); ++i)
    if (Error error = flatten(member, variable, functions))
      return error;
  return Error::success();
}

class Lists {
public:
  explicit Lists(Module &module) : module_(module) {}

  Error add(GlobalVariable &variable, Place place) {
    std::vector<Constant *> functions;
    if (Error error = flatten(variable.getInitializer(), variable, functions))
      return error;
    // A linker that drops the variable, because another file has the same, drops the entries.
    for (Constant *function : functions)
      add(place, function, variable.hasLocalLinkage() ? nullptr : &variable);
    return Error::success();
  }

  void add(Place place, Constant *function, Constant *key) {
    LLVMContext &context = module_.getContext();
    auto *pointer = PointerType::getUnqual(context);
    auto *priority = ConstantInt::get(Type::getInt32Ty(context), place.priority);
    entries_[place.list].push_back(
        ConstantStruct::get(StructType::get(priority->getType(), pointer, pointer),
                            {priority, function, key ? key : Constant::getNullValue(pointer)}));
  }

  /// What the list itself holds comes behind what stands before it in the module.
  void add_list(const GlobalVariable &list) {
    if (const auto *known = dyn_cast<ConstantArray>(list.getInitializer()))
      for (const Use &entry : known->operands())
        entries_[list.getName()].push_back(cast<Constant>(entry));
  }

  void write() {
    for (auto &[name, entries] : entries_) {
      auto *type = ArrayType::get(entries.front()->getType(), entries.size());
      GlobalVariable *old = module_.getGlobalVariable(name, true);
      auto *list = new GlobalVariable(module_, type, /*isConstant=*/false, GlobalValue::AppendingLinkage,
                                      ConstantArray::get(type, entries), "", old);
      if (old) {
        list->takeName(old);
        old->eraseFromParent();
      } else {
        list->setName(name);
      }
    }
  }

private:
  Module &module_;
  StringMap<std::vector<Constant *>> entries_;
};

bool is_list(const GlobalVariable &variable) {
  return variable.hasAppendingLinkage() && variable.hasInitializer() &&
         any_of(array_sections, [&](const ArraySection &known) { return variable.getName() == known.list; });
}

} // namespace

void append_to_list(Module &module, StringRef list, std::uint32_t priority, ArrayRef<Function *> functions) {
  Lists lists(module);
  if (const GlobalVariable *known = module.getGlobalVariable(list, true))
    lists.add_list(*known);
  for (Function *function : functions)
    lists.add({list, priority}, function, nullptr);
  lists.write();
}

Error list_initializer_arrays(Module &module) {
  Lists lists(module);
  std::vector<GlobalVariable *> taken;
  for (GlobalVariable &variable : module.globals()) {
    if (is_list(variable)) {
      lists.add_list(variable);
      continue;
    }
    const auto place = place_of(variable);
    if (!place || !variable.hasInitializer() || variable.hasAvailableExternallyLinkage())
      continue;
    if (Error error = lists.add(variable, *place))
      return error;
    taken.push_back(&variable);
  }
  if (taken.empty())
    return Error::success();
  for (GlobalVariable *variable : taken)
    variable->setSection("");
  lists.write();
  return Error::success();
}

} // namespace osr
