// What the shared library offers.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

struct Refused : std::runtime_error {
  explicit Refused(long code) : std::runtime_error("refused"), code(code) {}
  long code;
};

extern thread_local long library_calls;
extern thread_local std::string library_text;

[[noreturn]] void refuse(long value);
long call_twice(const std::function<long(long)> &callback, long value);
long in_a_thread(const std::function<long(long)> &callback, long value);
