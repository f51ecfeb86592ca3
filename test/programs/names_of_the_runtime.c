// Check functions, variables and local objects with names that the runtime or the C library has for its own.
#include <stdio.h>

static unsigned long sum;

__attribute__((noinline)) void osr_heat(void) { sum += 3; }
__attribute__((noinline)) int osr_loop_poll(int x) { return x * 5 + 1; }
__attribute__((noinline)) void osr_guard_failed(unsigned reason) { sum ^= reason; }
__attribute__((noinline)) double osr_deoptimize(double x) { return x / 2; }
__attribute__((noinline)) long osr_profile_target(const long *at, int n) {
  long s = 0;
  for (int i = 0; i < n; i++)
    s += at[i];
  return s;
}
volatile unsigned osr_poll_word = 7;
long osr_object_stack_top[4] = {1, 2, 3, 4};
int osr_result_pad_general = 11;

// Objects local to a function `osr` are called osr.heat, osr.exit and so on in IR.
__attribute__((noinline)) int osr(int step) {
  static int heat = 1, exit = 2, object[3];
  static const char *const values[] = {"a", "b", "c"};
  heat += step;
  exit ^= heat;
  object[step % 3] += exit;
  return object[0] + object[1] * 3 + object[2] * 5 + values[step % 3][0];
}

// Names of calls that the program gets from the runtime, here as variables.
int sigwait = 4;
static int atexit_[2] = {8, 9};
long dladdr = 21;
static int memcpy_calls;

// A static function with the name of one that code generation calls.
static void *memset(void *to, int value, unsigned long size) {
  unsigned char *bytes = to;
  memcpy_calls++;
  for (unsigned long i = 0; i < size; i++)
    bytes[i] = (unsigned char)(value + 1);
  return to;
}

__attribute__((noinline)) static unsigned wait_for(volatile unsigned *word, unsigned until) {
  unsigned rounds = 0;
  while (*word < until) {
    *word += 3;
    rounds++;
  }
  return rounds;
}

__attribute__((noinline)) static int work(int n) {
  osr_heat();
  return osr_loop_poll(n) & 15;
}

int main(void) {
  int s = 0;
  for (int i = 0; i < 3000; i++) {
    s += work(i) + osr(i % 7);
    if (i % 100 == 0)
      osr_guard_failed((unsigned)i);
  }
  unsigned char buffer[16];
  memset(buffer, 6, sizeof buffer);
  printf("%lu %d %.2f\n", sum, s, osr_deoptimize(9));
  printf("%ld %u %u\n", osr_profile_target(osr_object_stack_top, 4), wait_for(&osr_poll_word, 1000), osr_poll_word);
  printf("%d %d %d %d %ld %d\n", buffer[3], memcpy_calls, osr_result_pad_general, sigwait + atexit_[1], dladdr,
         osr_object_stack_top[3] == 4);
  return 0;
}
