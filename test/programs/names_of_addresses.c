// Check that a program finds the names of its functions: backtrace_symbols, backtrace_symbols_fd, dladdr.
// cflags: -fno-optimize-sibling-calls
// libs: -rdynamic
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
