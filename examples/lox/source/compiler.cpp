#include "compiler.h"

#include "machine.h"

#include <cstdio>

namespace lox {

Code *Compiler::compile() {
  FunctionScope script;
  begin_function(script, CodeKind::Script, "");
  advance();
  while (!match(TokenKind::End))
    declaration();
  Code *code = end_function();
  return had_error_ ? nullptr : code;
}

void Compiler::advance() {
  previous_ = current_;
  for (;;) {
    current_ = scanner_.next();
    if (current_.kind != TokenKind::Error)
      return;
    error_at(current_, current_.text);
  }
}

bool Compiler::match(TokenKind kind) {
  if (!check(kind))
    return false;
  advance();
  return true;
}

void Compiler::consume(TokenKind kind, const char *message) {
  if (!match(kind))
    error_at(current_, message);
}

void Compiler::error_at(const Token &token, std::string_view message) {
  had_error_ = true;
  if (is_skipping_)
    return; // follows from the first one
  is_skipping_ = true;
  std::string place;
  if (token.kind == TokenKind::End)
    place = " at end";
  else if (token.kind != TokenKind::Error)
    place = " at '" + std::string(token.text) + "'";
  std::fprintf(stderr, "[line %d] Error%s: %.*s\n", token.line, place.c_str(), int(message.size()), message.data());
}

/// To where a statement seems to begin.
void Compiler::synchronize() {
  is_skipping_ = false;
  for (; current_.kind != TokenKind::End; advance()) {
    if (previous_.kind == TokenKind::Semicolon)
      return;
    switch (current_.kind) {
    case TokenKind::Class:
    case TokenKind::Fun:
    case TokenKind::Var:
    case TokenKind::For:
    case TokenKind::If:
    case TokenKind::While:
    case TokenKind::Print:
    case TokenKind::Return: return;
    default: break;
    }
  }
}

// --- Code

void Compiler::emit_byte(int byte) {
  scope_->code->bytes.push_back(std::uint8_t(byte));
  scope_->code->lines.push_back(previous_.line);
}

/// `effect`: how many values more are on the stack afterwards.
void Compiler::emit(Op op, int effect) {
  emit_byte(int(op));
  scope_->height += effect;
  scope_->code->slots = std::max(scope_->code->slots, scope_->height + 1);
}

void Compiler::emit_two(std::size_t number) {
  if (number > 0xffff) {
    error("Too many constants in one chunk.");
    number = 0;
  }
  emit_byte(int(number & 0xff));
  emit_byte(int(number >> 8));
}

void Compiler::emit_symbol(Op op, int effect, std::string_view name) {
  emit(op, effect);
  auto &symbols = scope_->code->symbols;
  const Symbol *symbol = machine_.symbol(name);
  const auto found = std::find(symbols.begin(), symbols.end(), symbol);
  emit_two(std::size_t(found - symbols.begin()));
  if (found == symbols.end())
    symbols.push_back(symbol);
}

void Compiler::emit_cache() { emit_two(std::size_t(scope_->code->cache_count++)); }

void Compiler::emit_literal(Value value) {
  if (++scope_->literals > 256) // as in the book
    return error("Too many constants in one chunk.");
  emit(Op::Constant, 1);
  emit_two(scope_->code->constants.size());
  scope_->code->constants.push_back(value);
}

std::size_t Compiler::emit_jump(Op op, int effect) {
  emit(op, effect);
  emit_two(0xffff);
  return here();
}

/// Lets a jump lead to where we are. `jump` is what emit_jump returned.
void Compiler::patch_jump(std::size_t jump) {
  const std::size_t distance = here() - jump;
  if (distance > 0xffff)
    error("Too much code to jump over.");
  scope_->code->bytes[jump - 2] = std::uint8_t(distance & 0xff);
  scope_->code->bytes[jump - 1] = std::uint8_t(distance >> 8);
}

void Compiler::emit_loop(std::size_t start) {
  emit(Op::Loop, 0);
  const std::size_t distance = here() + 2 - start;
  if (distance > 0xffff)
    error("Loop body too large.");
  emit_two(distance & 0xffff);
}

void Compiler::emit_return() {
  if (scope_->code->kind == CodeKind::Initializer) {
    emit(Op::GetLocal, 1);
    emit_byte(0);
  } else {
    emit(Op::Nil, 1);
  }
  emit(Op::Return, -1);
}

} // namespace lox
