// Check that a program finds its frames and the names of its functions: backtrace_symbols, backtrace_symbols_fd, dladdr;
// _Unwind_Backtrace, as libraries for stack traces do, who look up the byte before a return PC.
// cflags: -fno-optimize-sibling-calls
// libs: -rdynamic
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define MOST 64

static unsigned long checks;

/* "what(NAME+0x12) [0x34]": prints NAME if it is one of ours; main is the last. */
static int print_name(const char *line) {
  const char *open = strchr(line, '('), *plus = open ? strchr(open, '+') : NULL;
  if (!plus || plus == open + 1 || !strchr(plus, ')') || !strstr(plus, "[0x"))
    return 0;
  printf(" %.*s", (int)(plus - open - 1), open + 1);
  return strncmp(open + 1, "main+", 5) == 0;
}

void print_stack(void) {
  void *addresses[MOST];
  int count = backtrace(addresses, MOST);
  char **lines = backtrace_symbols(addresses, count);
  if (!lines)
    exit(1);
  for (int i = 0; i < count && !print_name(lines[i]); ++i)
    ;
  free(lines);
  puts("");
}

void print_stack_by_file(void) {
  void *addresses[MOST];
  int ends[2], count = backtrace(addresses, MOST);
  if (pipe(ends) != 0)
    exit(1);
  backtrace_symbols_fd(addresses, count, ends[1]);
  close(ends[1]);
  FILE *file = fdopen(ends[0], "r");
  char line[1000];
  while (fgets(line, sizeof line, file) && !print_name(line))
    ;
  fclose(file);
  puts("");
}

/* Each address lies in the function that dladdr names. */
void print_stack_by_dladdr(void) {
  void *addresses[MOST];
  int count = backtrace(addresses, MOST);
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (!dladdr(addresses[i], &info) || !info.dli_sname || !info.dli_fname)
      break;
    printf(" %s", info.dli_sname);
    checks += info.dli_fbase != NULL;
    if (strcmp(info.dli_sname, "main") == 0)
      break;
  }
  puts("");
}

static const char *name_of(const void *address) {
  Dl_info info;
  return dladdr(address, &info) && info.dli_sname ? info.dli_sname : "?";
}

static _Unwind_Reason_Code print_frame(struct _Unwind_Context *context, void *count) {
  char *pc = (char *)_Unwind_GetIP(context);
  const char *name = name_of(pc - 1);
  printf(" %s", name);
  const char *enclosing = name_of(_Unwind_FindEnclosingFunction(pc));
  if (strcmp(enclosing, name) != 0)
    printf(" (in %s)", enclosing);
  return ++*(int *)count == MOST || strcmp(name, "main") == 0 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

void print_stack_by_unwinder(void) {
  int count = 0;
  _Unwind_Backtrace(print_frame, &count);
  printf(" %d\n", count);
}

/* Keeps an object, and so has a holder below it. */
void (*volatile call_print)(void) = print_stack_by_unwinder;
void print_below_an_object(void) {
  volatile int numbers[4] = {1, 2, 3, 4};
  call_print();
  checks += (unsigned long)numbers[checks & 3];
}

/* Called by pointers that nobody knows, so nothing is inlined. */
int odd(int n, void (*print)(void));
int even(int n, void (*print)(void));
int (*volatile call_odd)(int, void (*)(void)) = odd, (*volatile call_even)(int, void (*)(void)) = even;

int even(int n, void (*print)(void)) {
  if (n == 0) {
    print();
    return 1;
  }
  return call_odd(n - 1, print) + 2;
}

int odd(int n, void (*print)(void)) { return call_even(n - 1, print) * 3; }

void print_pointer(void *function) {
  Dl_info info;
  if (!dladdr(function, &info) || !info.dli_sname)
    exit(1);
  printf(" %s %d", info.dli_sname, info.dli_saddr == function);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  for (int round = 0; round < scale; ++round) {
    printf("%d\n", call_even(4, print_stack));
    printf("%d\n", call_even(6, print_stack_by_file));
    printf("%d\n", call_even(2, print_stack_by_dladdr));
    printf("%d\n", call_even(4, print_stack_by_unwinder));
    printf("%d\n", call_even(2, print_below_an_object));
  }
  print_pointer((void *)even);
  print_pointer((void *)odd);
  print_pointer((void *)main);
  print_pointer((void *)print_pointer);
  puts("");
  Dl_info info;
  printf("%d %d\n", dladdr(&info, &info), dladdr((void *)strlen, &info) != 0);
  printf("%lu\n", checks);
  return 0;
}
