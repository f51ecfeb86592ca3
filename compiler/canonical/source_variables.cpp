#include "compiler/canonical/source_variables.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_parts = 32;

/// False: too many.
bool add_parts(Type &type, std::uint64_t offset, const DataLayout &layout, SmallVectorImpl<ObjectPart> &parts) {
  if (auto *structure = dyn_cast<StructType>(&type)) {
    const StructLayout *places = layout.getStructLayout(structure);
    for (unsigned i = 0; i != structure->getNumElements(); ++i)
      if (!add_parts(*structure->getElementType(i), offset + places->getElementOffset(i).getFixedValue(), layout,
                     parts))
        return false;
    return true;
  }
  if (auto *array = dyn_cast<ArrayType>(&type)) {
    const std::uint64_t size = layout.getTypeAllocSize(array->getElementType()).getFixedValue();
    if (array->getNumElements() > most_parts)
      return false;
    for (std::uint64_t i = 0; i != array->getNumElements(); ++i)
      if (!add_parts(*array->getElementType(), offset + i * size, layout, parts))
        return false;
    return true;
  }
  parts.push_back({offset, &type});
  return parts.size() <= most_parts && type.isSingleValueType();
}

/// Nobody else can know its address, and every access is of a part that is known here: LLVM makes it values.
bool becomes_values(const Value &address) {
  return all_of(address.uses(), [&](const Use &use) {
    const auto *user = cast<Instruction>(use.getUser());
    if (const auto *load = dyn_cast<LoadInst>(user))
      return load->isSimple();
    if (const auto *store = dyn_cast<StoreInst>(user))
      return store->isSimple() && store->getPointerOperand() == use.get() && store->getValueOperand() != use.get();
    if (const auto *element = dyn_cast<GetElementPtrInst>(user))
      return element->hasAllConstantIndices() && becomes_values(*element);
    if (const auto *copy = dyn_cast<MemIntrinsic>(user))
      return !copy->isVolatile() && isa<ConstantInt>(copy->getLength());
    return user->isLifetimeStartOrEnd();
  });
}

constexpr const char *reassigned_variables = "osr.reassigned";

/// Bytes of an object that some instruction writes. False: some bytes may be written by two.
bool add_writes(const Value &address, std::uint64_t offset,
                SmallVectorImpl<std::pair<std::uint64_t, std::uint64_t>> &writes) {
  const auto add = [&](std::uint64_t size) {
    const bool is_first =
        none_of(writes, [&](const auto &other) { return offset < other.second && other.first < offset + size; });
    writes.push_back({offset, offset + size});
    return is_first;
  };
  return all_of(address.uses(), [&](const Use &use) {
    const auto *user = cast<Instruction>(use.getUser());
    const DataLayout &layout = user->getDataLayout();
    if (const auto *store = dyn_cast<StoreInst>(user))
      return store->getPointerOperand() == use.get() && store->getValueOperand() != use.get() &&
             add(layout.getTypeStoreSize(store->getValueOperand()->getType()));
    if (const auto *copy = dyn_cast<MemIntrinsic>(user)) {
      const auto *length = dyn_cast<ConstantInt>(copy->getLength());
      return copy->getRawDest() != use.get() || (length && add(length->getZExtValue()));
    }
    if (const auto *element = dyn_cast<GetElementPtrInst>(user)) {
      APInt at(layout.getIndexTypeSizeInBits(element->getType()), 0);
      return element->accumulateConstantOffset(layout, at) && add_writes(*element, offset + at.getZExtValue(), writes);
    }
    return isa<LoadInst>(user) || user->isLifetimeStartOrEnd();
  });
}

bool is_written_once(const AllocaInst &object) {
  SmallVector<std::pair<std::uint64_t, std::uint64_t>, 8> writes;
  return add_writes(object, 0, writes);
}

} // namespace

void mark_reassigned(Module &module) {
  SetVector<DILocalVariable *> found;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *object = dyn_cast<AllocaInst>(&instruction); object && !is_written_once(*object))
        for (const DbgVariableRecord *record : findDVRDeclares(object))
          found.insert(record->getVariable());
  NamedMDNode *list = module.getOrInsertNamedMetadata(reassigned_variables);
  for (DILocalVariable *variable : found)
    list->addOperand(variable);
}

ModuleVariables find_module_variables(Module &module) {
  ModuleVariables found;
  if (const NamedMDNode *list = module.getNamedMetadata(reassigned_variables))
    for (const MDNode *variable : list->operands())
      found.reassigned.insert(cast<DILocalVariable>(variable));
  for (GlobalVariable &variable : module.globals()) {
    SmallVector<DIGlobalVariableExpression *, 1> all;
    variable.getDebugInfo(all);
    for (const DIGlobalVariableExpression *each : all)
      if (const auto *scope = dyn_cast_or_null<DILocalScope>(each->getVariable()->getScope());
          scope && each->getVariable()->getType() && each->getExpression()->getNumElements() == 0)
        found.statics[scope->getSubprogram()].push_back(
            {each->getVariable(), variable.isDeclaration() || variable.isThreadLocal() ? nullptr : &variable});
  }
  return found;
}

std::optional<SmallVector<ObjectPart, 8>> parts_of(const AllocaInst &object) {
  SmallVector<ObjectPart, 8> parts;
  if (object.isArrayAllocation() || !becomes_values(object) ||
      !add_parts(*object.getAllocatedType(), 0, object.getDataLayout(), parts))
    return std::nullopt;
  return parts;
}

bool is_one_value(const AllocaInst &object) {
  const auto parts = parts_of(object);
  return parts && parts->size() == 1 && parts->front().type == object.getAllocatedType();
}

const DILocalVariable *variable_of(AllocaInst &object) {
  const DbgVariableRecord *found = nullptr;
  for (const DbgVariableRecord *record : findDVRDeclares(&object))
    if (std::exchange(found, record))
      return nullptr;
  const bool is_plain = found && found->getExpression()->getNumElements() == 0 &&
                        !found->getDebugLoc().getInlinedAt() && found->getNumVariableLocationOps() == 1;
  return is_plain ? found->getVariable() : nullptr;
}

std::string why_not_as_written(Function &function) {
  if (!function.getSubprogram())
    return "it was not compiled with -g";
  for (Instruction &instruction : instructions(function))
    for (const DbgVariableRecord &record : filterDbgVars(instruction.getDbgRecordRange()))
      if (!record.isDbgDeclare())
        return "it has been optimised already: compile it with -O0, or with -Xclang -disable-llvm-passes";
  return {};
}

SourceObjects find_source_objects(Module &module) {
  SourceObjects found;
  for (Function &function : module)
    if (!function.isDeclaration() && why_not_as_written(function).empty())
      for (Instruction &instruction : instructions(function))
        if (auto *object = dyn_cast<AllocaInst>(&instruction); object && object->isStaticAlloca())
          if (const DILocalVariable *variable = variable_of(*object))
            found.push_back({object, variable});
  return found;
}

void mark_objects(const SourceObjects &objects) {
  for (const auto &[object, variable] : objects)
    object->setMetadata(object_variable, MDNode::get(object->getContext(), const_cast<DILocalVariable *>(variable)));
}

} // namespace osr
