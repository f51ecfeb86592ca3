// What both modules of the test see: each makes its own copy of the inline things, and one of each is kept.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

inline std::uint64_t trail = 1;
inline std::vector<std::string> names{"shared"}; // dynamic initialisation, guarded: once
inline thread_local std::string word = "local";

inline void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(long number) : number(number) {}
  ~Noted() { note(std::uint64_t(number)); }
  long number;
};

/// No key function: its virtual table and type information are in both modules.
struct Failure : std::runtime_error {
  Failure(long code, const std::string &text) : std::runtime_error(text), code(code) {}
  virtual long weight() const { return code; }
  long code;
};

template <typename T> struct Wrapped : Failure {
  explicit Wrapped(T value) : Failure(long(value), "wrapped"), value(value) {}
  long weight() const override { return long(value) * 3; }
  T value;
};

inline long &counter() {
  static long count = 100; // one for both
  return count;
}

template <typename T> inline std::vector<T> &kept() {
  static std::vector<T> values = [] {
    if (++counter() % 3 == 0)
      throw Failure(counter(), "kept"); // the guard is shared, too
    return std::vector<T>{T(counter())};
  }();
  return values;
}

/// The one in this module may be inlined, the other one called.
inline long descend(int depth, long value) {
  Noted noted(value);
  if (depth == 0)
    throw Wrapped<long>(value);
  return descend(depth - 1, value + 1) + depth;
}

using Callback = long (*)(long);

// modules_left.cpp
const std::type_info &left_type();
long call_back(Callback callback, long value);
long left_kept();
// modules_right.cpp
long thrown_on_the_right(int kind, long value);
