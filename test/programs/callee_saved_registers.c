// Check that the callee-saved registers of foreign code are intact after program frames above it were replaced.
//
// An assembly helper fills rbx, rbp and r12-r15 with given values, calls a C function through a pointer and
// compares the registers afterwards. The values differ at every depth, so a register restored from the wrong frame
// shows. rbp holds no frame pointer there: a walk that follows rbp gets lost. The helper has correct unwind
// information.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// What the helper puts into rbx, rbp, r12, r13, r14, r15, and what it found wrong (one bit per register).
struct guarded_call {
  uint64_t values[6];
  uint64_t damaged;
};

// Returns callback(argument).
int64_t call_with_filled_registers(int64_t (*callback)(int64_t), int64_t argument, struct guarded_call *guard);

__asm__(".text\n"
        ".globl call_with_filled_registers\n"
        ".type call_with_filled_registers, @function\n"
        "call_with_filled_registers:\n"
        "  .cfi_startproc\n"
        "  pushq %rbx\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %rbx, 0\n"
        "  pushq %rbp\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %rbp, 0\n"
        "  pushq %r12\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %r12, 0\n"
        "  pushq %r13\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %r13, 0\n"
        "  pushq %r14\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %r14, 0\n"
        "  pushq %r15\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset %r15, 0\n"
        "  pushq %rdx\n  .cfi_adjust_cfa_offset 8\n" // the guard; rsp is now 16-byte aligned
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  movq 0(%rdx), %rbx\n"
        "  movq 8(%rdx), %rbp\n"
        "  movq 16(%rdx), %r12\n"
        "  movq 24(%rdx), %r13\n"
        "  movq 32(%rdx), %r14\n"
        "  movq 40(%rdx), %r15\n"
        "  callq *%rax\n"
        "  movq (%rsp), %rdx\n"
        "  xorl %ecx, %ecx\n"
        "  cmpq 0(%rdx), %rbx\n  je 1f\n  orl $1, %ecx\n"
        "1: cmpq 8(%rdx), %rbp\n  je 1f\n  orl $2, %ecx\n"
        "1: cmpq 16(%rdx), %r12\n  je 1f\n  orl $4, %ecx\n"
        "1: cmpq 24(%rdx), %r13\n  je 1f\n  orl $8, %ecx\n"
        "1: cmpq 32(%rdx), %r14\n  je 1f\n  orl $16, %ecx\n"
        "1: cmpq 40(%rdx), %r15\n  je 1f\n  orl $32, %ecx\n"
        "1: movq %rcx, 48(%rdx)\n"
        "  popq %rdx\n  .cfi_adjust_cfa_offset -8\n"
        "  popq %r15\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %r15\n"
        "  popq %r14\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %r14\n"
        "  popq %r13\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %r13\n"
        "  popq %r12\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %r12\n"
        "  popq %rbp\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %rbp\n"
        "  popq %rbx\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore %rbx\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size call_with_filled_registers, .-call_with_filled_registers\n");

static unsigned guarded_calls, damaged_calls;
static uint64_t damage;

static int64_t guarded(int64_t (*callback)(int64_t), int64_t argument) {
  struct guarded_call guard = {.damaged = 0};
  for (unsigned i = 0; i < 6; i++)
    guard.values[i] = (uint64_t)argument * 0x9e3779b97f4a7c15u + (uint64_t)i * 0x0101010101010101u;
  int64_t result = call_with_filled_registers(callback, argument, &guard);
  guarded_calls++;
  damaged_calls += guard.damaged != 0;
  damage |= guard.damaged;
  return result;
}

// ---- callbacks with more and less need of registers ----

static int64_t leaf(int64_t n) { return n * 3 + 1; }

// Six values and more live over the calls: uses all callee-saved registers itself.
static int64_t hungry(int64_t n) {
  int64_t a = n + 1, b = n ^ 2, c = n * 3, d = n - 4, e = n % 5, f = n / 6, g = n & 7, h = n | 8;
  int64_t first = leaf(a), second = leaf(b);
  int64_t third = leaf(c + first), fourth = leaf(d + second);
  return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + first + second * 3 + third * 5 + fourth * 7;
}

static int64_t recursive(int64_t n) {
  int64_t kept = n * n;
  return n <= 0 ? 1 : (recursive(n - 1) * 31 + kept) % 1000003;
}

// Foreign frames between program frames: every second frame is the helper's.
static int64_t alternate(int64_t n) {
  int64_t a = n * 5, b = n + 77, c = n ^ 0x33, d = n << 2, e = n - 9;
  if (n <= 0)
    return hungry(5);
  int64_t below = guarded(alternate, n - 1);
  return (below * 7 + a + b * 2 + c * 3 + d * 4 + e * 5) % 1000000007;
}

static int64_t mostly_doubles(int64_t n) {
  double a = (double)n * 0.5, b = a + 1.25, c = b * 0.75;
  int64_t x = guarded(leaf, n), y = guarded(hungry, n + 1);
  return (int64_t)(a * 8 + b * 16 + c * 32) + x + y;
}

static int64_t fork_calls(int64_t n) {
  if (n <= 1)
    return n;
  int64_t left = guarded(fork_calls, n - 1);
  int64_t right = fork_calls(n - 2);
  return left + right;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  static int64_t (*const callbacks[])(int64_t) = {leaf, hungry, recursive, alternate, mostly_doubles, fork_calls};
  uint64_t hash = 1;

  for (int round = 0; round < 10 * scale; round++)
    for (unsigned i = 0; i < sizeof callbacks / sizeof callbacks[0]; i++)
      hash = hash * 1099511628211u + (uint64_t)guarded(callbacks[i], (round + (int)i) % 11);
  printf("deep: %lld\n", (long long)guarded(alternate, 100 + scale));
  printf("%u guarded calls, %u damaged, registers %02llx, hash %016llx\n", guarded_calls, damaged_calls,
         (unsigned long long)damage, (unsigned long long)hash);
  return damaged_calls != 0;
}
