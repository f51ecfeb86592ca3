#include "operations.h"

#include <algorithm>

namespace lox {
namespace {

constexpr std::uint32_t most_slots = 64;

/// A table with room for one more, as good as empty at most by half. Moves everything.
void grow_methods(Value *class_slot) {
  Machine &machine = Machine::the();
  const Methods *old = as<Class>(*class_slot)->methods;
  std::uint32_t used = 0;
  for (std::uint32_t i = 0; old && i != old->count(); ++i)
    used += old->entries[i].name != nullptr;
  if (old && 2 * (used + 1) <= old->count())
    return;
  auto *table = machine.heap.make<Methods>(old ? 2 * old->count() : 8);
  old = as<Class>(*class_slot)->methods;
  for (std::uint32_t i = 0; old && i != old->count(); ++i) {
    if (!old->entries[i].name)
      continue;
    std::uint32_t place = old->entries[i].name->hash & (table->count() - 1);
    while (table->entries[place].name)
      place = (place + 1) & (table->count() - 1);
    table->entries[place] = old->entries[i];
  }
  as<Class>(*class_slot)->methods = table;
}

Value bind(Value *top, Value receiver_slot_value, Value *method_slot) {
  Machine &machine = Machine::the();
  top[0] = receiver_slot_value;
  top[1] = *method_slot;
  machine.top = top + 2;
  auto *bound = machine.heap.make<Bound>();
  bound->receiver = top[0];
  bound->method = as<Closure>(top[1]);
  return Value::object(bound);
}

/// The instance gets room for a field that does not fit into it.
void grow_overflow(Value *top, std::uint32_t needed) {
  Machine &machine = Machine::the();
  Array *old = as<Instance>(top[-2])->overflow;
  if (old && old->count() >= needed)
    return;
  machine.top = top;
  auto *grown = machine.heap.make<Array>(std::max<std::uint32_t>(4, 2 * needed));
  std::fill_n(grown->values, grown->count(), Value::nil());
  old = as<Instance>(top[-2])->overflow;
  if (old)
    std::copy_n(old->values, old->count(), grown->values);
  as<Instance>(top[-2])->overflow = grown;
}

Value &field(Instance *instance, std::uint32_t index) {
  const std::uint32_t capacity = instance->shape->capacity;
  return index < capacity ? instance->slots[index] : instance->overflow->values[index - capacity];
}

} // namespace

Value make_class(Value *top, const Symbol *name, std::uint32_t fields) {
  Machine &machine = Machine::the();
  machine.top = top;
  auto *made = machine.heap.make<Class>();
  made->info = new ClassInfo{name, new Shape, 0}; // stays: code is made for it
  made->info->root->capacity = std::min(most_slots, fields);
  made->initializer = Value::nil();
  return Value::object(made);
}

Value inherit(Value *top) {
  Machine &machine = Machine::the();
  if (!is(top[-2], Kind::Class))
    return machine.error("Superclass must be a class.");
  machine.top = top;
  if (const Methods *inherited = as<Class>(top[-2])->methods) {
    auto *table = machine.heap.make<Methods>(inherited->count());
    inherited = as<Class>(top[-2])->methods;
    std::copy_n(inherited->entries, inherited->count(), table->entries);
    as<Class>(top[-1])->methods = table;
  }
  as<Class>(top[-1])->initializer = as<Class>(top[-2])->initializer;
  std::uint32_t &capacity = as<Class>(top[-1])->info->root->capacity;
  capacity = std::min(most_slots, capacity + as<Class>(top[-2])->info->root->capacity);
  return Value::nil();
}

void add_method(Value *top, const Symbol *name) {
  Machine::the().top = top;
  grow_methods(&top[-2]);
  Methods *methods = as<Class>(top[-2])->methods;
  std::uint32_t place = name->hash & (methods->count() - 1);
  while (methods->entries[place].name && methods->entries[place].name != name)
    place = (place + 1) & (methods->count() - 1);
  methods->entries[place] = {name, top[-1]};
  if (as<Closure>(top[-1])->code->kind == CodeKind::Initializer)
    as<Class>(top[-2])->initializer = top[-1];
}

Value instantiate(Value *top, const Value *type) {
  Machine &machine = Machine::the();
  machine.top = top;
  ClassInfo *info = as<Class>(*type)->info;
  if (info->wanted > info->root->capacity && info->root->capacity < most_slots) { // earlier instances were too small
    auto *root = new Shape;
    root->capacity = std::min(most_slots, info->wanted);
    info->root = root;
  }
  auto *instance = machine.heap.make<Instance>(info->root->capacity);
  instance->shape = info->root;
  instance->type = as<Class>(*type);
  return Value::object(instance);
}

Value get_field(Value *top, const Symbol *name, Cache *cache) {
  Machine &machine = Machine::the();
  if (!is(top[-1], Kind::Instance))
    return machine.error("Only instances have properties.");
  auto *instance = as<Instance>(top[-1]);
  Shape *shape = instance->shape;
  if (const Cache::Entry *entry = cache->find(shape); entry && !entry->is_method)
    return field(instance, std::uint32_t(entry->index));
  if (const int index = shape->find(name); index >= 0) {
    cache->add({shape, nullptr, nullptr, index, false});
    return field(instance, std::uint32_t(index));
  }
  Methods::Entry *method = find(instance->type->methods, name);
  if (!method)
    return machine.error("Undefined property '%s'.", name->text.c_str());
  return bind(top, top[-1], &method->closure);
}

Value set_field(Value *top, const Symbol *name, Cache *cache) {
  Machine &machine = Machine::the();
  if (!is(top[-2], Kind::Instance))
    return machine.error("Only instances have fields.");
  Shape *shape = as<Instance>(top[-2])->shape;
  if (const Cache::Entry *entry = cache->find(shape); entry && entry->next == shape) {
    field(as<Instance>(top[-2]), std::uint32_t(entry->index)) = top[-1];
    return top[-1];
  }
  int index = shape->find(name);
  Shape *next = shape;
  if (index < 0) {
    next = shape->with(name);
    index = int(shape->fields);
    if (next->fields > next->capacity)
      grow_overflow(top, next->fields - next->capacity);
    ClassInfo *info = as<Instance>(top[-2])->type->info;
    info->wanted = std::max(info->wanted, next->fields);
    as<Instance>(top[-2])->shape = next;
  }
  if (!cache->find(shape))
    cache->add({shape, next, nullptr, index, false});
  field(as<Instance>(top[-2]), std::uint32_t(index)) = top[-1];
  return top[-1];
}

Value get_super(Value *top, const Symbol *name) {
  Methods::Entry *method = find(as<Class>(top[-1])->methods, name);
  if (!method)
    return Machine::the().error("Undefined property '%s'.", name->text.c_str());
  return bind(top, top[-2], &method->closure);
}

} // namespace lox
