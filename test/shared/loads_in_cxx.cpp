// A host in C++ that loads the library when it runs; its exceptions pass through functions of the program, in both tiers, and through
// frames that wait for a transition. usage: loads_in_cxx LIBRARY
#include "osr-c/osr.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <string>

namespace {

void *library;
osr_runtime *runtime;
std::uint64_t rewritten, cleanups;

template <typename Function> Function *function(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
  return reinterpret_cast<Function *>(found);
}
#define OSR(name) function<decltype(name)>(#name)

void check(char *message) {
  if (!message)
    return;
  std::fprintf(stderr, "%s\n", message);
  std::exit(1);
}

std::uint64_t throws(std::uint64_t replaces) {
  if (replaces)
    check(OSR(osr_replace)(runtime, "sum", OSR_TIER_OPTIMIZED, &rewritten));
  throw std::runtime_error("from the depth");
}

void clean() { ++cleanups; }

const char *sum = R"(
  declare i64 @throws(i64)
  declare void @clean()
  declare i32 @__gxx_personality_v0(...)
  define i64 @cleans(i64 %n, i64 %replaces) personality ptr @__gxx_personality_v0 {
    %s = invoke i64 @sum(i64 %n, i64 %replaces) to label %end unwind label %pad
  end:
    ret i64 %s
  pad:
    %x = landingpad { ptr, i32 } cleanup
    call void @clean()
    resume { ptr, i32 } %x
  }
  define i64 @sum(i64 %n, i64 %replaces) {
    %last = icmp eq i64 %n, 0
    br i1 %last, label %end, label %more
  end:
    %h = call i64 @throws(i64 %replaces)
    ret i64 %h
  more:
    %less = sub i64 %n, 1
    %rest = call i64 @sum(i64 %less, i64 %replaces)
    %all = add i64 %rest, %n
    ret i64 %all
  })";

/// What arrived from a call.
std::string caught(std::uint64_t address, std::uint64_t replaces) {
  try {
    OSR(osr_call)(address, 50, replaces, 0);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "nothing";
}

} // namespace

int main(int count, char **arguments) {
  try { // the unwinder has worked before the library comes
    throw std::runtime_error("first");
  } catch (const std::runtime_error &) {
  }
  library = dlopen(count > 1 ? arguments[1] : "libosr.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  check(OSR(osr_create)(OSR_TIER_BASELINE, &runtime));
  check(OSR(osr_define)(runtime, "throws", reinterpret_cast<std::uint64_t>(&throws)));
  check(OSR(osr_define)(runtime, "clean", reinterpret_cast<std::uint64_t>(&clean)));
  check(OSR(osr_add_ir)(runtime, sum, std::strlen(sum), "sum", nullptr));
  check(OSR(osr_attach_thread)());
  std::uint64_t address = 0;
  check(OSR(osr_lookup)(runtime, "cleans", &address));
  for (const std::uint64_t replaces : {0, 1, 0})
    if (const std::string what = caught(address, replaces); what != "from the depth") {
      std::fprintf(stderr, "%s arrived\n", what.c_str());
      return 1;
    }
  OSR(osr_detach_thread)();
  check(OSR(osr_close)(runtime));
  if (rewritten != 51 || cleanups != 3) {
    std::fprintf(stderr, "%llu frames waited, %llu cleanups\n", static_cast<unsigned long long>(rewritten),
                 static_cast<unsigned long long>(cleanups));
    return 1;
  }
}
