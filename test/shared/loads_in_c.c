/* A host in C that loads the library when it runs: usage: loads_in_c LIBRARY */
#include "osr-c/osr.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;
static osr_runtime *runtime;
static uint64_t rewritten;
static unsigned compiled;

static void *function(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return found;
}
#define OSR(name) ((__typeof__(&name))function(#name))

static void check(char *message) {
  if (!message)
    return;
  fprintf(stderr, "%s\n", message);
  exit(1);
}

static uint64_t at_the_end(uint64_t x) {
  check(OSR(osr_replace)(runtime, "sum", OSR_TIER_OPTIMIZED, &rewritten));
  return x;
}

static void listen(const osr_event *event, void *context) { *(unsigned *)context += event->kind == OSR_EVENT_COMPILED; }

static const char sum[] = "declare i64 @at_the_end(i64)\n"
                          "define i64 @sum(i64 %n) {\n"
                          "  %last = icmp eq i64 %n, 0\n"
                          "  br i1 %last, label %end, label %more\n"
                          "end:\n"
                          "  %h = call i64 @at_the_end(i64 0)\n"
                          "  ret i64 %h\n"
                          "more:\n"
                          "  %less = sub i64 %n, 1\n"
                          "  %rest = call i64 @sum(i64 %less)\n"
                          "  %all = add i64 %rest, %n\n"
                          "  ret i64 %all\n"
                          "}\n";

static void *run(void *unused) {
  (void)unused;
  uint64_t address;
  check(OSR(osr_attach_thread)());
  check(OSR(osr_lookup)(runtime, "sum", &address));
  const uint64_t result = OSR(osr_call)(address, 100, 0, 0);
  OSR(osr_detach_thread)();
  return (void *)(uintptr_t)result;
}

int main(int count, char **arguments) {
  library = dlopen(count > 1 ? arguments[1] : "libosr.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  osr_options options;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.tier = OSR_TIER_BASELINE;
  options.context = &compiled;
  options.listener = listen;
  for (int round = 0; round < 3; ++round) {
    check(OSR(osr_create_with)(&options, &runtime));
    check(OSR(osr_define)(runtime, "at_the_end", (uint64_t)(uintptr_t)at_the_end));
    check(OSR(osr_add_ir)(runtime, sum, strlen(sum), "sum", NULL));
    void *result = NULL;
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, &result);
    const uint64_t here = (uintptr_t)run(NULL);
    if ((uintptr_t)result != 5050 || here != 5050 || rewritten != 0 || compiled < 3) {
      fprintf(stderr, "round %d: %llu, %llu, %llu rewritten, %u compiled\n", round, (unsigned long long)(uintptr_t)result,
              (unsigned long long)here, (unsigned long long)rewritten, compiled);
      return 1;
    }
    check(OSR(osr_close)(runtime));
    compiled = 0;
  }
  return dlclose(library);
}
