// Check lists of functions in .init_array and its kind: order, priorities, arrays and structures of them, arguments.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long trail = 17;
static int seen;

static void note(const char *who, int argc, char **argv, char **envp) {
  trail = trail * 31 + (unsigned long)who[0] * 7 + (unsigned long)who[1];
  printf("%s: argc ok %d, argv ends %d, environment %d\n", who, argc >= 1, argv != NULL && argv[argc] == NULL,
         envp != NULL);
}

#define LISTED(name) static void name(int argc, char **argv, char **envp) { note(#name, argc, argv, envp); seen++; }
#define ENDS(name) static void name(void) { trail = trail * 31 + (unsigned long)#name[1]; printf("%s\n", #name); }
typedef void step(int, char **, char **);
typedef void last_step(void);

LISTED(early)
LISTED(first)
LISTED(middle)
LISTED(later)
LISTED(plain)
LISTED(twin)
LISTED(structured)
LISTED(shared)
ENDS(closing)
ENDS(sealing)
ENDS(numbered)

__attribute__((section(".preinit_array"), used, aligned(8))) static step *before[] = {early};
__attribute__((section(".init_array.00300"), used)) static step *number_300 = middle;
__attribute__((section(".init_array"), used, aligned(8))) static step *pair[] = {plain, twin};
__attribute__((section(".init_array.150"), used)) static step *number_150 = first;
__attribute__((section(".init_array.65000"), used)) static step *number_65000 = later;
__attribute__((section(".init_array"), used)) static struct {
  step *only;
} wrapped = {structured};
__attribute__((section(".init_array"), used)) step *visible = shared;
__attribute__((section(".fini_array"), used, aligned(8))) static last_step *ends[] = {closing, sealing};
__attribute__((section(".fini_array.20"), used)) static last_step *ends_20 = numbered;

__attribute__((constructor(200))) static void by_attribute(int argc, char **argv, char **envp) {
  note("by_attribute", argc, argv, envp);
}
__attribute__((constructor)) static int with_result(int argc, char **argv) {
  printf("with_result: %d\n", argc >= 1 && argv[0] != NULL && strlen(argv[0]) > 0);
  return 5;
}
__attribute__((destructor)) static void by_destructor(void) { printf("by_destructor, trail %016lx\n", trail); }
__attribute__((destructor(150))) static void by_numbered_destructor(void) { puts("by_numbered_destructor"); }

int main(int argc, char **argv) {
  printf("main after %d, lists are variables too: %d %d\n", seen, pair[1] == twin, visible == shared);
  printf("%s\n", argc > 1 && argv[argc] == NULL ? "arguments" : "no arguments");
  return 0;
}
