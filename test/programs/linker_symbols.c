// Check what the linker defines natively: the bounds of sections that collect entries, and the edges of the program.
#include <stdint.h>
#include <stdio.h>

struct command {
  const char *name;
  int (*run)(int);
};
static int twice(int x) { return 2 * x; }
static int square(int x) { return x * x; }
static int negate(int x) { return -x; }
#define COMMAND(function) \
  __attribute__((section("commands"), used, aligned(8))) static struct command entry_##function = {#function, function}
COMMAND(twice);
COMMAND(square);
COMMAND(negate);
extern struct command __start_commands[], __stop_commands[];

// Numbers of another section, which nobody refers to but by its bounds; a weak one that does not exist.
__attribute__((section("numbers"), used)) static const short some[] = {3, 1, 4};
__attribute__((section("numbers"), used)) static const short more[] = {1, 5};
extern const short __start_numbers, __stop_numbers;
extern char __start_absent[] __attribute__((weak)), __stop_absent[] __attribute__((weak));

static struct command *const in_data[2] = {__start_commands, __stop_commands};

extern char etext[], edata[], end[], __bss_start[], __executable_start[], __data_start[];
static int filled = 5;
static int empty[100];
static const char constant[] = "constant";

__attribute__((noinline)) static int run_all(int x) {
  int sum = 0;
  for (struct command *at = __start_commands; at < __stop_commands; at++) {
    printf("%s %d\n", at->name, at->run(x));
    sum += at->run(x);
  }
  return sum;
}

static int is_within(const void *at, const char *low, const char *high) {
  return (uintptr_t)low <= (uintptr_t)at && (uintptr_t)at < (uintptr_t)high;
}

int main(void) {
  int total = 0;
  for (int i = 1; i < 4; i++)
    total += run_all(i);
  for (const short *at = &__start_numbers; at != &__stop_numbers; at++)
    total += *at;
  printf("%d %td %td\n", total, __stop_commands - __start_commands, in_data[1] - in_data[0]);
  printf("absent %d\n", __start_absent == NULL && __stop_absent == NULL);
  printf("code %d data %d zeros %d %d\n", is_within((void *)main, __executable_start, etext),
         is_within(&filled, __data_start, edata), is_within(empty, __bss_start, end),
         (uintptr_t)edata <= (uintptr_t)__bss_start);
  printf("order %d %s\n", (uintptr_t)etext < (uintptr_t)edata && (uintptr_t)edata <= (uintptr_t)end, constant);
  return 0;
}
