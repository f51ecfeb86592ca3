// Which variable a name means: a local of the function, one of an enclosing function (an upvalue), or a global.
#include "compiler.h"

#include "machine.h"

namespace lox {
namespace {

constexpr std::size_t most_locals = 256, most_upvalues = 256; // their numbers are bytes

} // namespace

void Compiler::begin_function(FunctionScope &scope, CodeKind kind, std::string_view name) {
  scope.enclosing = scope_;
  scope.code = machine_.new_code();
  scope.code->kind = kind;
  scope.code->name = machine_.symbol(name);
  scope.block_depth = kind == CodeKind::Script ? 0 : 1;
  scope_ = &scope;
  add_local(kind == CodeKind::Method || kind == CodeKind::Initializer ? "this" : "");
  initialized();
  scope.height = 1;
}

Code *Compiler::end_function() {
  emit_return();
  Code *code = scope_->code;
  code->upvalue_count = int(scope_->upvalues.size());
  code->caches = std::make_unique<Cache[]>(std::size_t(code->cache_count));
  code->captured.resize(most_locals + std::size_t(code->slots));
  scope_ = scope_->enclosing;
  return code;
}

void Compiler::end_block() {
  --scope_->block_depth;
  auto &locals = scope_->locals;
  for (; !locals.empty() && locals.back().depth > scope_->block_depth; locals.pop_back())
    emit(locals.back().is_captured ? Op::CloseUpvalue : Op::Pop, -1);
}

void Compiler::add_local(std::string_view name) {
  if (scope_->locals.size() == most_locals)
    return error("Too many local variables in function.");
  scope_->locals.push_back({name, -1, false});
}

void Compiler::declare(std::string_view name) {
  if (is_global())
    return;
  for (auto local = scope_->locals.rbegin(); local != scope_->locals.rend(); ++local) {
    if (local->depth != -1 && local->depth < scope_->block_depth)
      break;
    if (local->name == name)
      error("Already a variable with this name in this scope.");
  }
  add_local(name);
}

/// What is on top of the stack becomes the variable.
void Compiler::define(std::string_view name) {
  if (!is_global())
    return initialized();
  emit(Op::DefineGlobal, -1);
  emit_two(machine_.global(name));
}

int Compiler::find_local(FunctionScope &scope, std::string_view name) {
  for (int i = int(scope.locals.size()) - 1; i >= 0; --i) {
    if (scope.locals[std::size_t(i)].name != name)
      continue;
    if (scope.locals[std::size_t(i)].depth == -1)
      error("Can't read local variable in its own initializer.");
    return i;
  }
  return -1;
}

int Compiler::find_upvalue(FunctionScope &scope, std::string_view name) {
  if (!scope.enclosing)
    return -1;
  if (const int local = find_local(*scope.enclosing, name); local >= 0) {
    scope.enclosing->locals[std::size_t(local)].is_captured = true;
    auto &captured = scope.enclosing->code->captured;
    captured.resize(std::max(captured.size(), std::size_t(local) + 1));
    captured[std::size_t(local)] = true;
    return add_upvalue(scope, std::uint8_t(local), true);
  }
  const int upvalue = find_upvalue(*scope.enclosing, name);
  return upvalue < 0 ? -1 : add_upvalue(scope, std::uint8_t(upvalue), false);
}

int Compiler::add_upvalue(FunctionScope &scope, std::uint8_t index, bool is_local) {
  auto &upvalues = scope.upvalues;
  for (std::size_t i = 0; i != upvalues.size(); ++i)
    if (upvalues[i].index == index && upvalues[i].is_local == is_local)
      return int(i);
  if (upvalues.size() == most_upvalues) {
    error("Too many closure variables in function.");
    return 0;
  }
  upvalues.push_back({index, is_local});
  return int(upvalues.size()) - 1;
}

void Compiler::get_variable(std::string_view name) {
  if (const int local = find_local(*scope_, name); local >= 0) {
    emit(Op::GetLocal, 1);
    emit_byte(local);
  } else if (const int upvalue = find_upvalue(*scope_, name); upvalue >= 0) {
    emit(Op::GetUpvalue, 1);
    emit_byte(upvalue);
  } else {
    emit(Op::GetGlobal, 1);
    emit_two(machine_.global(name));
  }
}

void Compiler::set_variable(std::string_view name) {
  if (const int local = find_local(*scope_, name); local >= 0) {
    emit(Op::SetLocal, 0);
    emit_byte(local);
  } else if (const int upvalue = find_upvalue(*scope_, name); upvalue >= 0) {
    emit(Op::SetUpvalue, 0);
    emit_byte(upvalue);
  } else {
    emit(Op::SetGlobal, 0);
    emit_two(machine_.global(name));
  }
}

} // namespace lox
