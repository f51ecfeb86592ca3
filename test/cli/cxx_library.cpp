// Shared: throws to the program, lets the program's exceptions through, and has a thread-local variable that both use.
#include "cxx_library.h"

#include <thread>

thread_local long library_calls = 1000;
thread_local std::string library_text = "library"; // made when it is used first

void refuse(long value) {
  ++library_calls;
  throw Refused(value);
}

long call_twice(const std::function<long(long)> &callback, long value) {
  ++library_calls;
  long sum = 0;
  try {
    sum = callback(value);
  } catch (const Refused &refused) {
    sum = refused.code * 3;
  }
  return sum + callback(value + 1);
}

long in_a_thread(const std::function<long(long)> &callback, long value) {
  long result = 0;
  std::thread([&] {
    try {
      result = callback(value);
    } catch (const std::exception &error) {
      result = error.what()[0];
    }
  }).join();
  return result;
}
