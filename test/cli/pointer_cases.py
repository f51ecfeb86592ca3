"""Programs of constructs_test.py: IR and C of pointers that are none of data or code as it usually lies."""

# Pointers of 32 bits, several of which are made or widened at once by the optimiser.
NARROW_POINTERS = r"""
#include <stdio.h>
#include <sys/mman.h>
typedef __attribute__((address_space(271))) int *narrow;
typedef __attribute__((address_space(270))) int *signed_narrow;
struct four { narrow a, b, c, d; };
__attribute__((noinline)) static int *step(int *at) { return ++*at, at + 1; }
__attribute__((noinline)) static void narrowed(struct four *to, int **from) {
  to->a = (narrow)from[0];
  to->b = (narrow)from[1];
  to->c = (narrow)from[2];
  to->d = (narrow)from[3];
}
__attribute__((noinline)) static void widened(int **to, const struct four *from) {
  to[0] = (int *)from->a;
  to[1] = (int *)from->b;
  to[2] = (int *)from->c;
  to[3] = (int *)from->d;
}
__attribute__((noinline)) static void all_narrowed(signed_narrow *restrict to, int *const *restrict from, int n) {
  for (int i = 0; i < n; i++)
    to[i] = (signed_narrow)from[i];
}
int main(void) {
  int *low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED)
    return 2;
  int *wide[16];
  signed_narrow all[16];
  for (int i = 0; i < 16; i++)
    wide[i] = low + i;
  for (int round = 0; round < 5; round++) {
    struct four some;
    narrowed(&some, wide + round);
    widened(wide + 12 - 2 * round, &some);
    for (int i = 0; i < 16; i++)
      wide[i] = step(wide[i]);
    all_narrowed(all, wide, 16);
    for (int i = 0; i < 16; i++)
      *all[i] += i;
  }
  long sum = 0;
  for (int i = 0; i < 64; i++)
    sum = sum * 3 + low[i];
  printf("%ld\n", sum);
  return 4;
}
"""

# LLVM has no code for this by itself.
CASTS_OF_VECTORS = """
@cells = global [4 x i32] [i32 1, i32 2, i32 4, i32 8]
define <4 x ptr> @wide(<4 x ptr addrspace(272)> %p, i64 %by) noinline {
  %w = addrspacecast <4 x ptr addrspace(272)> %p to <4 x ptr>
  %g = getelementptr i32, <4 x ptr> %w, i64 %by
  ret <4 x ptr> %g
}
define i32 @main() {
  %one = insertelement <4 x ptr> poison, ptr @cells, i32 0
  %all = shufflevector <4 x ptr> %one, <4 x ptr> poison, <4 x i32> zeroinitializer
  %each = getelementptr i32, <4 x ptr> %all, <4 x i64> <i64 0, i64 2, i64 -1, i64 1>
  %other = addrspacecast <4 x ptr> %each to <4 x ptr addrspace(272)>
  %back = call <4 x ptr> @wide(<4 x ptr addrspace(272)> %other, i64 1)
  %a = extractelement <4 x ptr> %back, i32 1
  %b = extractelement <4 x ptr> %back, i32 2
  %x = load i32, ptr %a
  %y = load i32, ptr %b
  %r = add i32 %x, %y
  ret i32 %r
}
"""

# Functions that are made on the stack, as Fortran and Ada do for those that are inside of others: called by others, at each
# depth of a recursion, sorted by, and in a thread.
TRAMPOLINES = """
@list = global [5 x i64] [i64 3, i64 9, i64 1, i64 7, i64 5]
declare void @llvm.init.trampoline(ptr, ptr, ptr)
declare ptr @llvm.adjust.trampoline(ptr)
declare void @qsort(ptr, i64, i64, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
define i64 @add(ptr nest %sum, i64 %by) noinline {
  %old = load i64, ptr %sum
  %new = add i64 %old, %by
  store i64 %new, ptr %sum
  ret i64 %new
}
define i32 @compare(ptr nest %count, ptr %a, ptr %b) noinline {
  %all = call i64 @add(ptr nest %count, i64 1)
  %x = load i64, ptr %a
  %y = load i64, ptr %b
  %r = call i32 @llvm.scmp.i32.i64(i64 %x, i64 %y)
  ret i32 %r
}
define i64 @apply(ptr %f, i64 %n) noinline {
  %once = call i64 %f(i64 %n)
  %half = lshr i64 %n, 1
  %twice = call i64 %f(i64 %half)
  ret i64 %twice
}
define i64 @walk(i64 %n) noinline {
  %code = alloca [32 x i8], align 16
  %room = alloca [600 x i8]
  %sum = alloca i64
  store i64 %n, ptr %sum
  call void @llvm.init.trampoline(ptr %code, ptr @add, ptr %sum)
  %f = call ptr @llvm.adjust.trampoline(ptr %code)
  %end = icmp eq i64 %n, 0
  br i1 %end, label %done, label %more
more:
  %m = sub i64 %n, 1
  %below = call i64 @walk(i64 %m)
  %here = call i64 @apply(ptr %f, i64 %below)
  %small = urem i64 %here, 10007
  ret i64 %small
done:
  %last = call i64 @apply(ptr %f, i64 8)
  ret i64 %last
}
define ptr @in_thread(ptr %argument) {
  %n = ptrtoint ptr %argument to i64
  %r = call i64 @walk(i64 %n)
  %p = inttoptr i64 %r to ptr
  ret ptr %p
}
define i64 @sorted() noinline {
  %code = alloca [32 x i8], align 16
  %count = alloca i64
  store i64 0, ptr %count
  call void @llvm.init.trampoline(ptr %code, ptr @compare, ptr %count)
  %f = call ptr @llvm.adjust.trampoline(ptr %code)
  call void @qsort(ptr @list, i64 5, i64 8, ptr %f)
  %compared = load i64, ptr %count
  %least = load i64, ptr @list
  %r = mul i64 %compared, %least
  ret i64 %r
}
define i32 @main() {
  %thread = alloca i64
  %result = alloca ptr
  %a = call i64 @walk(i64 40)
  %started = call i32 @pthread_create(ptr %thread, ptr null, ptr @in_thread, ptr inttoptr (i64 33 to ptr))
  %id = load i64, ptr %thread
  %joined = call i32 @pthread_join(i64 %id, ptr %result)
  %p = load ptr, ptr %result
  %b = ptrtoint ptr %p to i64
  %c = call i64 @sorted()
  %ab = add i64 %a, %b
  %abc = add i64 %ab, %c
  %low = urem i64 %abc, 251
  %r = trunc i64 %low to i32
  ret i32 %r
}
"""
