// Expressions by precedence climbing: a prefix form, then operators that bind at least as tightly as `level`.
#include "compiler.h"

#include "machine.h"

#include <cstdlib>

namespace lox {

/// How tightly an infix token binds; -1 if it is none.
int Compiler::level_of(TokenKind kind) {
  switch (kind) {
  case TokenKind::Or: return int(Level::Or);
  case TokenKind::And: return int(Level::And);
  case TokenKind::BangEqual:
  case TokenKind::EqualEqual: return int(Level::Equality);
  case TokenKind::Greater:
  case TokenKind::GreaterEqual:
  case TokenKind::Less:
  case TokenKind::LessEqual: return int(Level::Comparison);
  case TokenKind::Minus:
  case TokenKind::Plus: return int(Level::Term);
  case TokenKind::Slash:
  case TokenKind::Star: return int(Level::Factor);
  case TokenKind::LeftParen:
  case TokenKind::Dot: return int(Level::Call);
  default: return -1;
  }
}

void Compiler::parse(Level level) {
  advance();
  const bool can_assign = level == Level::Assignment;
  if (!prefix(can_assign))
    return error("Expect expression.");
  while (level_of(current_.kind) >= int(level)) {
    advance();
    infix(can_assign);
  }
  if (can_assign && match(TokenKind::Equal))
    error("Invalid assignment target.");
}

bool Compiler::prefix(bool can_assign) {
  switch (previous_.kind) {
  case TokenKind::LeftParen:
    expression();
    consume(TokenKind::RightParen, "Expect ')' after expression.");
    return true;
  case TokenKind::Minus:
    parse(Level::Unary);
    emit(Op::Negate, 0);
    return true;
  case TokenKind::Bang:
    parse(Level::Unary);
    emit(Op::Not, 0);
    return true;
  case TokenKind::Number:
    emit_literal(Value::number(std::strtod(std::string(previous_.text).c_str(), nullptr)));
    return true;
  case TokenKind::String: string(); return true;
  case TokenKind::Nil: emit(Op::Nil, 1); return true;
  case TokenKind::True: emit(Op::True, 1); return true;
  case TokenKind::False: emit(Op::False, 1); return true;
  case TokenKind::Identifier: variable(can_assign); return true;
  case TokenKind::This: this_expression(); return true;
  case TokenKind::Super: super_expression(); return true;
  default: return false;
  }
}

void Compiler::infix(bool can_assign) {
  switch (previous_.kind) {
  case TokenKind::And:
  case TokenKind::Or: return logical();
  case TokenKind::Dot: return dot(can_assign);
  case TokenKind::LeftParen: {
    const int count = arguments();
    emit(Op::Call, -count);
    emit_byte(count);
    return emit_cache();
  }
  default: return binary();
  }
}

void Compiler::binary() {
  const TokenKind kind = previous_.kind;
  parse(Level(level_of(kind) + 1));
  switch (kind) {
  case TokenKind::EqualEqual: return emit(Op::Equal, -1);
  case TokenKind::Greater: return emit(Op::Greater, -1);
  case TokenKind::Less: return emit(Op::Less, -1);
  case TokenKind::Minus: return emit(Op::Subtract, -1);
  case TokenKind::Slash: return emit(Op::Divide, -1);
  case TokenKind::Star: return emit(Op::Multiply, -1);
  case TokenKind::Plus: emit(Op::Add, -1); return emit_cache();
  case TokenKind::BangEqual: emit(Op::Equal, -1); break;
  case TokenKind::LessEqual: emit(Op::Greater, -1); break; // also of what is no number: as in the book
  default: emit(Op::Less, -1); break;
  }
  emit(Op::Not, 0);
}

void Compiler::logical() {
  const bool is_and = previous_.kind == TokenKind::And;
  std::size_t to_end = emit_jump(Op::JumpIfFalse, 0);
  if (!is_and) {
    const std::size_t to_right = to_end;
    to_end = emit_jump(Op::Jump, 0);
    patch_jump(to_right);
  }
  emit(Op::Pop, -1);
  parse(is_and ? Level::Equality : Level::And);
  patch_jump(to_end);
}

void Compiler::dot(bool can_assign) {
  consume(TokenKind::Identifier, "Expect property name after '.'.");
  const std::string_view name = previous_.text;
  const bool is_own = class_ && here() == behind_this_;
  if (can_assign && match(TokenKind::Equal)) {
    if (is_own)
      class_->fields.insert(name);
    expression();
    emit_symbol(Op::SetField, -1, name);
  } else if (match(TokenKind::LeftParen)) {
    const int count = arguments();
    emit_symbol(Op::Invoke, -count, name);
    emit_byte(count);
  } else {
    emit_symbol(Op::GetField, 0, name);
  }
  emit_cache();
}

void Compiler::variable(bool can_assign) {
  const std::string_view name = previous_.text;
  if (can_assign && match(TokenKind::Equal)) {
    expression();
    set_variable(name);
  } else {
    get_variable(name);
  }
}

void Compiler::string() { emit_literal(machine_.new_string(previous_.text.substr(1, previous_.text.size() - 2))); }

void Compiler::this_expression() {
  if (!class_)
    return error("Can't use 'this' outside of a class.");
  get_variable("this");
  behind_this_ = here();
}

void Compiler::super_expression() {
  if (!class_)
    error("Can't use 'super' outside of a class.");
  else if (!class_->has_superclass)
    error("Can't use 'super' in a class with no superclass.");
  consume(TokenKind::Dot, "Expect '.' after 'super'.");
  consume(TokenKind::Identifier, "Expect superclass method name.");
  const std::string_view name = previous_.text;
  get_variable("this");
  if (match(TokenKind::LeftParen)) {
    const int count = arguments();
    get_variable("super");
    emit_symbol(Op::SuperInvoke, -count - 1, name);
    emit_byte(count);
    emit_cache();
  } else {
    get_variable("super");
    emit_symbol(Op::GetSuper, -1, name);
  }
}

int Compiler::arguments() {
  int count = 0;
  if (!check(TokenKind::RightParen)) {
    do {
      expression();
      if (++count > 255)
        error("Can't have more than 255 arguments.");
    } while (match(TokenKind::Comma));
  }
  consume(TokenKind::RightParen, "Expect ')' after arguments.");
  return count;
}

} // namespace lox
