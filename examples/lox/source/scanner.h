// Text to tokens, one at a time.
#pragma once

#include <cstdint>
#include <string_view>

namespace lox {

enum class TokenKind : std::uint8_t {
  // clang-format off
  LeftParen, RightParen, LeftBrace, RightBrace, Comma, Dot, Minus, Plus, Semicolon, Slash, Star,
  Bang, BangEqual, Equal, EqualEqual, Greater, GreaterEqual, Less, LessEqual,
  Identifier, String, Number,
  And, Class, Else, False, For, Fun, If, Nil, Or, Print, Return, Super, This, True, Var, While,
  Error, End,
  // clang-format on
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text; ///< as written; of an error, what is wrong
  int line = 0;
};

class Scanner {
public:
  explicit Scanner(std::string_view source) : source_(source) {}

  Token next();

private:
  bool at_end() const { return current_ == source_.size(); }
  char peek(std::size_t ahead = 0) const {
    return current_ + ahead < source_.size() ? source_[current_ + ahead] : '\0';
  }
  bool take(char expected);
  void skip_space();
  Token token(TokenKind kind) const { return {kind, source_.substr(start_, current_ - start_), line_}; }
  Token error(std::string_view message) const { return {TokenKind::Error, message, line_}; }
  Token identifier();
  Token number();
  Token string();

  std::string_view source_;
  std::size_t start_ = 0, current_ = 0;
  int line_ = 1;
};

} // namespace lox
