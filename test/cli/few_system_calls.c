// A program that forbids its threads all system calls but its own and those that README names, before most of it has run.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOWED(use)                                                                                                   \
  use(mmap) use(munmap) use(mremap) use(mprotect) use(madvise) use(brk) use(futex) use(membarrier) use(getpid)         \
  use(tgkill) use(rt_sigreturn) use(rt_sigprocmask) use(rt_sigpending) use(sigaltstack) use(sched_yield)               \
  use(nanosleep) use(clock_nanosleep) use(clock_gettime) use(getrandom)
#define THREADS(use) use(clone3) use(set_robust_list) use(rseq) use(prctl) use(gettid) use(exit)
#define OWN(use) use(write) use(exit_group)

#define ALLOW(name)                                                                                                    \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
#define PRINT(name) puts(#name);

static int forbid_the_rest(void) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 ALLOWED(ALLOW) THREADS(ALLOW) OWN(ALLOW)
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

static unsigned mix(unsigned rounds) {
  unsigned sum = 0;
  for (unsigned i = 0; i < rounds; ++i)
    sum = sum * 33 + (i ^ sum >> 5);
  return sum;
}

static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static int called_late(int n) { return n * 3 + fibonacci(12); }

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "names") == 0) {
    ALLOWED(PRINT)
    return 0;
  }
  static char buffer[4096];
  setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
  puts("begins");
  if (!forbid_the_rest())
    return 2;
  unsigned sum = 0;
  for (int i = 0; i < 3000; ++i)
    sum += mix(500);
  printf("%u %d\n", sum + (unsigned)fibonacci(26), called_late(4));
  return 0;
}
