#include "compiler.h"

#include "machine.h"

namespace lox {

void Compiler::declaration() {
  if (match(TokenKind::Class))
    class_declaration();
  else if (match(TokenKind::Fun))
    function_declaration();
  else if (match(TokenKind::Var))
    variable_declaration();
  else
    statement();
  if (is_skipping_)
    synchronize();
}

void Compiler::class_declaration() {
  consume(TokenKind::Identifier, "Expect class name.");
  const std::string_view name = previous_.text;
  declare(name);
  emit_symbol(Op::Class, 1, name);
  const std::size_t fields = here();
  emit_byte(0);
  define(name);
  ClassScope scope{class_, false, {}};
  class_ = &scope;
  if (match(TokenKind::Less))
    superclass(name);
  get_variable(name);
  consume(TokenKind::LeftBrace, "Expect '{' before class body.");
  while (!check(TokenKind::RightBrace) && !check(TokenKind::End))
    method();
  consume(TokenKind::RightBrace, "Expect '}' after class body.");
  emit(Op::Pop, -1);
  scope_->code->bytes[fields] = std::uint8_t(std::min<std::size_t>(scope.fields.size(), 255));
  if (scope.has_superclass)
    end_block();
  class_ = scope.enclosing;
}

/// The superclass is a variable named `super` of a block around the class.
void Compiler::superclass(std::string_view name) {
  consume(TokenKind::Identifier, "Expect superclass name.");
  get_variable(previous_.text);
  if (previous_.text == name)
    error("A class can't inherit from itself.");
  begin_block();
  add_local("super");
  initialized();
  get_variable(name);
  emit(Op::Inherit, -1);
  class_->has_superclass = true;
}

void Compiler::method() {
  consume(TokenKind::Identifier, "Expect method name.");
  const std::string_view name = previous_.text;
  function(name == "init" ? CodeKind::Initializer : CodeKind::Method, name);
  emit_symbol(Op::Method, -1, name);
}

void Compiler::function_declaration() {
  consume(TokenKind::Identifier, "Expect function name.");
  const std::string_view name = previous_.text;
  declare(name);
  if (!is_global())
    initialized(); // it may call itself
  function(CodeKind::Function, name);
  define(name);
}

void Compiler::function(CodeKind kind, std::string_view name) {
  FunctionScope scope;
  begin_function(scope, kind, name);
  consume(TokenKind::LeftParen, "Expect '(' after function name.");
  if (!check(TokenKind::RightParen)) {
    do {
      if (++scope.code->arity > 255)
        error_at(current_, "Can't have more than 255 parameters.");
      consume(TokenKind::Identifier, "Expect parameter name.");
      declare(previous_.text);
      define(previous_.text);
      ++scope.height;
    } while (match(TokenKind::Comma));
  }
  if (scope.code->is_method()) { // its closure
    add_local("");
    initialized();
    ++scope.height;
  }
  scope.code->slots = scope.height;
  consume(TokenKind::RightParen, "Expect ')' after parameters.");
  consume(TokenKind::LeftBrace, "Expect '{' before function body.");
  block();
  Code *code = end_function();
  emit(Op::Closure, 1);
  emit_two(scope_->code->functions.size());
  scope_->code->functions.push_back(code);
  for (auto [index, is_local] : scope.upvalues) {
    emit_byte(is_local);
    emit_byte(index);
  }
}

void Compiler::variable_declaration() {
  consume(TokenKind::Identifier, "Expect variable name.");
  const std::string_view name = previous_.text;
  declare(name);
  if (match(TokenKind::Equal))
    expression();
  else
    emit(Op::Nil, 1);
  consume(TokenKind::Semicolon, "Expect ';' after variable declaration.");
  define(name);
}

void Compiler::statement() {
  if (match(TokenKind::Print)) {
    expression();
    consume(TokenKind::Semicolon, "Expect ';' after value.");
    emit(Op::Print, -1);
  } else if (match(TokenKind::For)) {
    for_statement();
  } else if (match(TokenKind::If)) {
    if_statement();
  } else if (match(TokenKind::Return)) {
    return_statement();
  } else if (match(TokenKind::While)) {
    while_statement();
  } else if (match(TokenKind::LeftBrace)) {
    begin_block();
    block();
    end_block();
  } else {
    expression();
    consume(TokenKind::Semicolon, "Expect ';' after expression.");
    emit(Op::Pop, -1);
  }
}

void Compiler::block() {
  while (!check(TokenKind::RightBrace) && !check(TokenKind::End))
    declaration();
  consume(TokenKind::RightBrace, "Expect '}' after block.");
}

void Compiler::if_statement() {
  consume(TokenKind::LeftParen, "Expect '(' after 'if'.");
  expression();
  consume(TokenKind::RightParen, "Expect ')' after condition.");
  const std::size_t to_else = emit_jump(Op::PopJumpIfFalse, -1);
  statement();
  if (!match(TokenKind::Else))
    return patch_jump(to_else);
  const std::size_t to_end = emit_jump(Op::Jump, 0);
  patch_jump(to_else);
  statement();
  patch_jump(to_end);
}

void Compiler::while_statement() {
  const std::size_t start = here();
  consume(TokenKind::LeftParen, "Expect '(' after 'while'.");
  expression();
  consume(TokenKind::RightParen, "Expect ')' after condition.");
  const std::size_t to_end = emit_jump(Op::PopJumpIfFalse, -1);
  statement();
  emit_loop(start);
  patch_jump(to_end);
}

void Compiler::for_statement() {
  begin_block();
  consume(TokenKind::LeftParen, "Expect '(' after 'for'.");
  if (match(TokenKind::Var)) {
    variable_declaration();
  } else if (!match(TokenKind::Semicolon)) {
    expression();
    consume(TokenKind::Semicolon, "Expect ';' after expression.");
    emit(Op::Pop, -1);
  }
  const std::size_t start = here();
  const bool has_condition = !match(TokenKind::Semicolon);
  if (has_condition) {
    expression();
    consume(TokenKind::Semicolon, "Expect ';' after loop condition.");
  }
  const std::size_t to_end = has_condition ? emit_jump(Op::PopJumpIfFalse, -1) : 0;
  const CodePiece increment = increment_clause();
  statement();
  scope_->code->bytes.insert(scope_->code->bytes.end(), increment.bytes.begin(), increment.bytes.end());
  scope_->code->lines.insert(scope_->code->lines.end(), increment.lines.begin(), increment.lines.end());
  emit_loop(start);
  if (has_condition)
    patch_jump(to_end);
  end_block();
}

/// The third clause is written in front of the body and runs behind it: its code is cut out. All jumps in it are relative.
CodePiece Compiler::increment_clause() {
  if (match(TokenKind::RightParen))
    return {};
  const auto start = std::ptrdiff_t(here());
  expression();
  emit(Op::Pop, -1);
  consume(TokenKind::RightParen, "Expect ')' after for clauses.");
  Code &code = *scope_->code;
  CodePiece piece{{code.bytes.begin() + start, code.bytes.end()}, {code.lines.begin() + start, code.lines.end()}};
  code.bytes.resize(std::size_t(start));
  code.lines.resize(std::size_t(start));
  return piece;
}

void Compiler::return_statement() {
  if (scope_->code->kind == CodeKind::Script)
    error("Can't return from top-level code.");
  if (match(TokenKind::Semicolon))
    return emit_return();
  if (scope_->code->kind == CodeKind::Initializer)
    error("Can't return a value from an initializer.");
  expression();
  consume(TokenKind::Semicolon, "Expect ';' after return value.");
  emit(Op::Return, -1);
}

} // namespace lox
