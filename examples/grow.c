/* A host in C: text of LLVM IR becomes functions, which are called, replaced while they run, redefined and removed. */
#include <osr-c/osr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static osr_runtime *runtime;

static void check(char *message) {
  if (!message)
    return;
  fprintf(stderr, "grow: %s\n", message);
  osr_free_message(message);
  exit(1);
}

static const char sum[] = "declare i64 @pause_here()\n"
                          "define i64 @sum(i64 %n) {\n"
                          "  %last = icmp eq i64 %n, 0\n"
                          "  br i1 %last, label %end, label %more\n"
                          "end:\n"
                          "  %h = call i64 @pause_here()\n"
                          "  ret i64 %h\n"
                          "more:\n"
                          "  %less = sub i64 %n, 1\n"
                          "  %rest = call i64 @sum(i64 %less)\n"
                          "  %all = add i64 %rest, %n\n"
                          "  ret i64 %all\n"
                          "}\n";
static const char twice[] = "define i64 @sum(i64 %n) { %x = mul i64 %n, 2  ret i64 %x }\n";

/* Called by the program when all activations are on the stack. */
static uint64_t pause_here(void) {
  uint64_t rewritten;
  check(osr_replace(runtime, "sum", OSR_TIER_OPTIMIZED, &rewritten));
  printf("%llu activations go on in optimised code\n", (unsigned long long)rewritten);
  return 0;
}

int main(void) {
  osr_module module;
  uint64_t address;
  check(osr_create(OSR_TIER_BASELINE, &runtime));
  check(osr_define(runtime, "pause_here", (uint64_t)(uintptr_t)pause_here));
  check(osr_add_ir(runtime, sum, strlen(sum), "sum", &module));
  check(osr_attach_thread());
  check(osr_lookup(runtime, "sum", &address));
  printf("sum: %llu\n", (unsigned long long)osr_call(address, 100, 0, 0));
  check(osr_redefine(runtime, "sum", twice, strlen(twice)));
  printf("redefined: %llu\n", (unsigned long long)osr_call(address, 100, 0, 0));
  check(osr_remove(runtime, module));
  char *message = osr_lookup(runtime, "sum", &address);
  printf("removed: %s\n", message);
  osr_free_message(message);
  osr_detach_thread();
  check(osr_close(runtime));
}
