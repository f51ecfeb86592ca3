#include "operations.h"

namespace lox {
namespace {

/// The closure is going to run, with what is at the base as slot 0.
Callee start(Value *base, int arguments, Closure *closure) {
  Code *code = closure->code;
  if (arguments != code->arity)
    return {nullptr, Machine::the().error("Expected %d arguments but got %d.", code->arity, arguments)};
  if (code->is_method())
    base[code->arity + 1] = Value::object(closure);
  return {code, {}};
}

Callee construct(Value *base, int arguments) {
  const Value instance = instantiate(base + arguments + 1, base);
  const Value initializer = as<Class>(base[0])->initializer;
  base[0] = instance;
  if (!initializer.is_nil())
    return start(base, arguments, as<Closure>(initializer));
  if (arguments != 0)
    return {nullptr, Machine::the().error("Expected 0 arguments but got %d.", arguments)};
  return {nullptr, instance};
}

Callee invoke_method(Value *base, int arguments, const Symbol *name, Class *type, const void *identity, Cache *cache) {
  Methods::Entry *entry = find(type->methods, name);
  if (!entry)
    return {nullptr, Machine::the().error("Undefined property '%s'.", name->text.c_str())};
  auto *closure = as<Closure>(entry->closure);
  cache->add({identity, nullptr, closure->code, std::int32_t(entry - type->methods->entries), true});
  return start(base, arguments, closure);
}

Value enter(Callee callee, Value *base) { return callee.code ? callee.code->entry(base, callee.code) : callee.result; }

} // namespace

Callee prepare_call(Value *base, int arguments, Cache *cache) {
  Machine &machine = Machine::the();
  if (!base[0].is_object())
    return {nullptr, machine.error("Can only call functions and classes.")};
  switch (base[0].as_object()->kind()) {
  case Kind::Closure: {
    auto *closure = as<Closure>(base[0]);
    if (cache && !cache->find(closure->code))
      cache->add({closure->code, nullptr, closure->code, 0, false});
    return start(base, arguments, closure);
  }
  case Kind::Class: {
    auto *type = as<Class>(base[0]);
    if (cache && !cache->find(type->info))
      cache->add(
          {type->info, nullptr, type->initializer.is_nil() ? nullptr : as<Closure>(type->initializer)->code, 0, true});
    return construct(base, arguments);
  }
  case Kind::Bound: {
    auto *bound = as<Bound>(base[0]);
    base[0] = bound->receiver;
    return start(base, arguments, bound->method);
  }
  case Kind::Native:
    machine.top = base + arguments + 1;
    return {nullptr, as<Native>(base[0])->function(arguments, base + 1)};
  case Kind::String:
  case Kind::Rope:
  case Kind::Upvalue:
  case Kind::Instance:
  case Kind::Array:
  case Kind::Methods: break;
  }
  return {nullptr, machine.error("Can only call functions and classes.")};
}

Callee prepare_invoke(Value *base, int arguments, const Symbol *name, Cache *cache) {
  if (!is(base[0], Kind::Instance))
    return {nullptr, Machine::the().error("Only instances have methods.")};
  auto *instance = as<Instance>(base[0]);
  if (const Cache::Entry *known = cache->find(instance->shape))
    return start(base, arguments, as<Closure>(instance->type->methods->entries[known->index].closure));
  if (const int index = instance->shape->find(name); index >= 0) { // a field that holds a function
    const auto capacity = int(instance->shape->capacity);
    base[0] = index < capacity ? instance->slots[index] : instance->overflow->values[index - capacity];
    return prepare_call(base, arguments, nullptr);
  }
  return invoke_method(base, arguments, name, instance->type, instance->shape, cache);
}

Callee prepare_super(Value *base, int arguments, const Symbol *name, Cache *cache) {
  auto *type = as<Class>(base[arguments + 1]);
  if (const Cache::Entry *known = cache->find(type->info))
    return start(base, arguments, as<Closure>(type->methods->entries[known->index].closure));
  return invoke_method(base, arguments, name, type, type->info, cache);
}

Value call(Value *top, std::uint32_t arguments, Cache *cache) {
  Value *base = top - arguments - 1;
  return enter(prepare_call(base, int(arguments), cache), base);
}

Value invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache) {
  Value *base = top - arguments - 1;
  return enter(prepare_invoke(base, int(arguments), name, cache), base);
}

Value super_invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache) {
  Value *base = top - arguments - 2; // the superclass is on top
  return enter(prepare_super(base, int(arguments), name, cache), base);
}

} // namespace lox
