// Text to bytecode in one pass. Errors are printed as they are found; after one, the parser skips to the next statement.
#pragma once

#include "code.h"
#include "scanner.h"

#include <set>

namespace lox {

class Machine;

/// One function that is being compiled.
struct FunctionScope {
  struct Local {
    std::string_view name;
    int depth = -1; ///< of its block; -1: its initialiser is being compiled
    bool is_captured = false;
  };
  struct UpvalueSource {
    std::uint8_t index;
    bool is_local; ///< of the enclosing function, or else an upvalue of that
  };

  FunctionScope *enclosing = nullptr;
  Code *code = nullptr;
  std::vector<Local> locals;
  std::vector<UpvalueSource> upvalues;
  int block_depth = 0;
  int height = 0; ///< values on the stack
  int literals = 0;
};

struct ClassScope {
  ClassScope *enclosing = nullptr;
  bool has_superclass = false;
  std::set<std::string_view> fields; ///< that methods assign
};

/// Code that was cut out, to be put behind what follows.
struct CodePiece {
  std::vector<std::uint8_t> bytes;
  std::vector<int> lines;
};

class Compiler {
public:
  Compiler(Machine &machine, std::string_view source) : machine_(machine), scanner_(source) {}

  /// The script; null if there were errors.
  Code *compile();

private:
  enum class Level : std::uint8_t { Assignment, Or, And, Equality, Comparison, Term, Factor, Unary, Call };

  // Tokens and errors (compiler.cpp).
  void advance();
  bool check(TokenKind kind) const { return current_.kind == kind; }
  bool match(TokenKind kind);
  void consume(TokenKind kind, const char *message);
  void error_at(const Token &token, std::string_view message);
  void error(std::string_view message) { error_at(previous_, message); }
  void synchronize();

  // Code (emit.cpp).
  void emit(Op op, int effect);
  void emit_byte(int byte);
  void emit_two(std::size_t number);
  void emit_symbol(Op op, int effect, std::string_view name);
  void emit_cache();
  void emit_literal(Value value);
  std::size_t emit_jump(Op op, int effect);
  void patch_jump(std::size_t jump);
  void emit_loop(std::size_t start);
  void emit_return();
  std::size_t here() const { return scope_->code->bytes.size(); }

  // Scopes (scopes.cpp).
  void begin_function(FunctionScope &scope, CodeKind kind, std::string_view name);
  Code *end_function();
  void begin_block() { ++scope_->block_depth; }
  void end_block();
  void add_local(std::string_view name);
  void declare(std::string_view name);
  void initialized() { scope_->locals.back().depth = scope_->block_depth; }
  void define(std::string_view name);
  int find_local(FunctionScope &scope, std::string_view name);
  int find_upvalue(FunctionScope &scope, std::string_view name);
  int add_upvalue(FunctionScope &scope, std::uint8_t index, bool is_local);
  void get_variable(std::string_view name);
  void set_variable(std::string_view name);
  bool is_global() const { return scope_->block_depth == 0; }

  // Statements (statements.cpp).
  void declaration();
  void class_declaration();
  void superclass(std::string_view name);
  void method();
  void function_declaration();
  void function(CodeKind kind, std::string_view name);
  void variable_declaration();
  void statement();
  void block();
  void if_statement();
  void while_statement();
  void for_statement();
  void return_statement();
  CodePiece increment_clause();

  // Expressions (expressions.cpp).
  void expression() { parse(Level::Assignment); }
  void parse(Level level);
  bool prefix(bool can_assign);
  void infix(bool can_assign);
  void binary();
  void logical();
  void dot(bool can_assign);
  void variable(bool can_assign);
  void string();
  void this_expression();
  void super_expression();
  int arguments();
  static int level_of(TokenKind kind);

  Machine &machine_;
  Scanner scanner_;
  Token previous_, current_;
  bool had_error_ = false, is_skipping_ = false;
  FunctionScope *scope_ = nullptr;
  ClassScope *class_ = nullptr;
  std::size_t behind_this_ = 0; ///< where the last `this` ended in the code
};

} // namespace lox
