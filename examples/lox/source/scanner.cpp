#include "scanner.h"

#include <array>
#include <utility>

namespace lox {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr std::array<std::pair<std::string_view, TokenKind>, 16> keywords{{
    {"and", TokenKind::And},
    {"class", TokenKind::Class},
    {"else", TokenKind::Else},
    {"false", TokenKind::False},
    {"for", TokenKind::For},
    {"fun", TokenKind::Fun},
    {"if", TokenKind::If},
    {"nil", TokenKind::Nil},
    {"or", TokenKind::Or},
    {"print", TokenKind::Print},
    {"return", TokenKind::Return},
    {"super", TokenKind::Super},
    {"this", TokenKind::This},
    {"true", TokenKind::True},
    {"var", TokenKind::Var},
    {"while", TokenKind::While},
}};

} // namespace

bool Scanner::take(char expected) {
  if (at_end() || peek() != expected)
    return false;
  ++current_;
  return true;
}

void Scanner::skip_space() {
  for (; !at_end(); ++current_) {
    const char c = peek();
    if (c == '\n') {
      ++line_;
    } else if (c == '/' && peek(1) == '/') {
      while (current_ + 1 < source_.size() && peek(1) != '\n')
        ++current_;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}

Token Scanner::identifier() {
  while (is_letter(peek()) || is_digit(peek()))
    ++current_;
  for (auto [text, kind] : keywords)
    if (text == source_.substr(start_, current_ - start_))
      return token(kind);
  return token(TokenKind::Identifier);
}

Token Scanner::number() {
  while (is_digit(peek()))
    ++current_;
  if (peek() == '.' && is_digit(peek(1)))
    for (++current_; is_digit(peek());)
      ++current_;
  return token(TokenKind::Number);
}

Token Scanner::string() {
  for (; !at_end() && peek() != '"'; ++current_)
    if (peek() == '\n')
      ++line_;
  if (at_end())
    return error("Unterminated string.");
  ++current_;
  return token(TokenKind::String);
}

Token Scanner::next() {
  skip_space();
  start_ = current_;
  if (at_end())
    return token(TokenKind::End);
  const char c = source_[current_++];
  if (is_letter(c))
    return identifier();
  if (is_digit(c))
    return number();
  switch (c) {
  case '(': return token(TokenKind::LeftParen);
  case ')': return token(TokenKind::RightParen);
  case '{': return token(TokenKind::LeftBrace);
  case '}': return token(TokenKind::RightBrace);
  case ';': return token(TokenKind::Semicolon);
  case ',': return token(TokenKind::Comma);
  case '.': return token(TokenKind::Dot);
  case '-': return token(TokenKind::Minus);
  case '+': return token(TokenKind::Plus);
  case '/': return token(TokenKind::Slash);
  case '*': return token(TokenKind::Star);
  case '!': return token(take('=') ? TokenKind::BangEqual : TokenKind::Bang);
  case '=': return token(take('=') ? TokenKind::EqualEqual : TokenKind::Equal);
  case '<': return token(take('=') ? TokenKind::LessEqual : TokenKind::Less);
  case '>': return token(take('=') ? TokenKind::GreaterEqual : TokenKind::Greater);
  case '"': return string();
  default: return error("Unexpected character.");
  }
}

} // namespace lox
