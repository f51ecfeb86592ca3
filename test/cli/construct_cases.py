"""Programs of constructs_test.py: IR and C of constructs that front ends seldom use."""

# A collector's roots are in a list that goes through the frames. @sum adds up what all roots point to.
SHADOW_STACK = """
@llvm_gc_root_chain = global ptr null
@cells = global [4 x i64] [i64 1, i64 20, i64 300, i64 4000]
declare void @llvm.gcroot(ptr, ptr)

define i64 @sum() noinline {
entry:
  %first = load ptr, ptr @llvm_gc_root_chain
  br label %loop
loop:
  %frame = phi ptr [ %first, %entry ], [ %next, %more ]
  %total = phi i64 [ 0, %entry ], [ %added, %more ]
  %end = icmp eq ptr %frame, null
  br i1 %end, label %done, label %more
more:
  %slot = getelementptr i8, ptr %frame, i64 16
  %root = load ptr, ptr %slot
  %value = load i64, ptr %root
  %added = add i64 %total, %value
  %next = load ptr, ptr %frame
  br label %loop
done:
  ret i64 %total
}

define i64 @visit(i64 %n) noinline gc "shadow-stack" {
  %root = alloca ptr
  call void @llvm.gcroot(ptr %root, ptr null)
  %cell = getelementptr i64, ptr @cells, i64 %n
  store ptr %cell, ptr %root
  %last = icmp eq i64 %n, 3
  br i1 %last, label %end, label %deeper
deeper:
  %m = add i64 %n, 1
  %below = call i64 @visit(i64 %m)
  %here = call i64 @sum()
  %both = add i64 %below, %here
  ret i64 %both
end:
  %all = call i64 @sum()
  ret i64 %all
}

define i32 @main() {
  %r = call i64 @visit(i64 0)
  %left = call i64 @sum()
  %s = add i64 %r, %left
  %m = urem i64 %s, 251
  %t = trunc i64 %m to i32
  ret i32 %t
}
"""

# Its frames go as an exception passes, and come again.
SHADOW_STACK_THROWN = """
@llvm_gc_root_chain = linkonce global ptr null
@object = global i64 5
@_ZTIi = external constant ptr
declare void @llvm.gcroot(ptr, ptr)
declare ptr @__cxa_allocate_exception(i64)
declare void @__cxa_throw(ptr, ptr, ptr)
declare ptr @__cxa_begin_catch(ptr)
declare void @__cxa_end_catch()
declare i32 @__gxx_personality_v0(...)

define i32 @depth() noinline {
entry:
  %first = load ptr, ptr @llvm_gc_root_chain
  br label %loop
loop:
  %frame = phi ptr [ %first, %entry ], [ %next, %more ]
  %count = phi i32 [ 0, %entry ], [ %one, %more ]
  %end = icmp eq ptr %frame, null
  br i1 %end, label %done, label %more
more:
  %one = add i32 %count, 1
  %next = load ptr, ptr %frame
  br label %loop
done:
  ret i32 %count
}

define i32 @down(i32 %n) noinline gc "shadow-stack" {
  %root = alloca ptr
  call void @llvm.gcroot(ptr %root, ptr null)
  store ptr @object, ptr %root
  %end = icmp eq i32 %n, 0
  br i1 %end, label %throw, label %deeper
deeper:
  %m = sub i32 %n, 1
  %r = call i32 @down(i32 %m)
  ret i32 %r
throw:
  %exception = call ptr @__cxa_allocate_exception(i64 4)
  %deep = call i32 @depth()
  store i32 %deep, ptr %exception
  call void @__cxa_throw(ptr %exception, ptr @_ZTIi, ptr null)
  unreachable
}

define i32 @main() personality ptr @__gxx_personality_v0 {
  %r = invoke i32 @down(i32 6) to label %never unwind label %caught
never:
  ret i32 99
caught:
  %pad = landingpad { ptr, i32 } catch ptr null
  %exception = extractvalue { ptr, i32 } %pad, 0
  %value = call ptr @__cxa_begin_catch(ptr %exception)
  %deep = load i32, ptr %value
  call void @__cxa_end_catch()
  %left = call i32 @depth()
  %shifted = shl i32 %left, 4
  %both = or i32 %shifted, %deep
  ret i32 %both
}
"""

STACK_PROTECTOR = """
declare void @llvm.stackprotector(ptr, ptr)
declare void @__stack_chk_fail() noreturn
define void @put(ptr %p, i8 %by) noinline {
  store i8 %by, ptr %p
  ret void
}
define i32 @guarded(i8 %by) noinline {
  %slot = alloca ptr
  %room = alloca [32 x i8], align 16
  %guard = load volatile ptr, ptr addrspace(257) inttoptr (i32 40 to ptr addrspace(257))
  call void @llvm.stackprotector(ptr %guard, ptr %slot)
  call void @put(ptr %room, i8 %by)
  %b = load i8, ptr %room
  %n = zext i8 %b to i32
  %now = load volatile ptr, ptr addrspace(257) inttoptr (i32 40 to ptr addrspace(257))
  %then = load volatile ptr, ptr %slot
  %same = icmp eq ptr %now, %then
  br i1 %same, label %good, label %bad
good:
  ret i32 %n
bad:
  call void @__stack_chk_fail()
  unreachable
}
define i32 @main() {
  %a = call i32 @guarded(i8 12)
  %b = call i32 @guarded(i8 30)
  %r = add i32 %a, %b
  ret i32 %r
}
"""

# The same, and the object is overrun in a caller of setjmp, whose frame is its own: the program has to be ended.
STACK_PROTECTOR_PINNED = """
declare void @llvm.stackprotector(ptr, ptr)
declare i32 @_setjmp(ptr) returns_twice
@place = global [200 x i8] zeroinitializer, align 16
define void @spoil(ptr %p) noinline {
  store i64 3, ptr %p
  ret void
}
define i32 @main() {
  %slot = alloca ptr
  %guard = load volatile ptr, ptr addrspace(257) inttoptr (i32 40 to ptr addrspace(257))
  call void @llvm.stackprotector(ptr %guard, ptr %slot)
  %again = call i32 @_setjmp(ptr @place)
  call void @spoil(ptr %slot)
  %now = load volatile ptr, ptr addrspace(257) inttoptr (i32 40 to ptr addrspace(257))
  %then = load volatile ptr, ptr %slot
  %same = icmp eq ptr %now, %then
  %r = select i1 %same, i32 1, i32 44
  ret i32 %r
}
"""

OVER_ALIGNED = """
declare i32 @_setjmp(ptr) returns_twice
@place = global [200 x i8] zeroinitializer, align 16
define void @set(ptr %p, i32 %to) noinline {
  store i32 %to, ptr %p
  ret void
}
define i32 @low(ptr %p, i64 %mask) noinline {
  %i = ptrtoint ptr %p to i64
  %t = and i64 %i, %mask
  %b = trunc i64 %t to i32
  ret i32 %b
}
define i32 @main() {
  %c = alloca i32
  call void @set(ptr %c, i32 7)
  %again = call i32 @_setjmp(ptr @place)
  %in = alloca i32, align 32
  %b = call i32 @low(ptr %in, i64 31)
  %page = alloca [3 x i64], align 4096
  call void @set(ptr %page, i32 30)
  %d = call i32 @low(ptr %page, i64 4095)
  %a = load i32, ptr %c
  %e = load i32, ptr %page
  %s = add i32 %a, %b
  %t = add i32 %s, %d
  %u = add i32 %t, %e
  ret i32 %u
}
"""

OVER_ALIGNED_CONVENTION = """
define void @set(ptr %p, i32 %to) noinline {
  store i32 %to, ptr %p
  ret void
}
define preserve_mostcc i32 @f(i32 %n, i1 %more) noinline {
  %one = alloca i32
  call void @set(ptr %one, i32 %n)
  %value = load i32, ptr %one
  %two = alloca [2 x i32], align 64
  call void @set(ptr %two, i32 %value)
  %address = ptrtoint ptr %two to i64
  %low = and i64 %address, 63
  %bits = trunc i64 %low to i32
  br i1 %more, label %again, label %end
again:
  %m = add i32 %n, 9
  %deeper = call preserve_mostcc i32 @f(i32 %m, i1 false)
  %kept = load i32, ptr %two
  %sum = add i32 %deeper, %kept
  ret i32 %sum
end:
  %last = load i32, ptr %two
  %r = add i32 %last, %bits
  ret i32 %r
}
define i32 @main() {
  %r = call preserve_mostcc i32 @f(i32 11, i1 true)
  ret i32 %r
}
"""

# Results that are too large for registers: the caller gives memory for them, and the callee relies on its alignment.
WIDE_RESULTS = """
define internal <32 x i32> @make(i32 %n, <32 x i32> %v) noinline #0 {
  %one = insertelement <32 x i32> poison, i32 %n, i32 0
  %all = shufflevector <32 x i32> %one, <32 x i32> poison, <32 x i32> zeroinitializer
  %sum = add <32 x i32> %all, %v
  ret <32 x i32> %sum
}
define internal <64 x i32> @spread(<32 x i32> %v, i32 %k) noinline #0 {
  %w = shufflevector <32 x i32> %v, <32 x i32> %v, <64 x i32> zeroinitializer
  %x = insertelement <64 x i32> %w, i32 %k, i32 57
  ret <64 x i32> %x
}
declare i32 @llvm.vector.reduce.add.v64i32(<64 x i32>)
define i32 @main(i32 %argc, ptr %argv) #0 {
  %a = call <32 x i32> @make(i32 %argc, <32 x i32> splat (i32 2))
  %b = call <64 x i32> @spread(<32 x i32> %a, i32 20)
  %s = call i32 @llvm.vector.reduce.add.v64i32(<64 x i32> %b)
  ret i32 %s
}
attributes #0 = { "target-features"="+avx2" }
"""

WIDE_RESULTS_IN_TURN = """
define internal { <16 x double>, i64 } @pair(double %x, i64 %n) noinline #0 {
  %v = insertelement <16 x double> splat (double 1.0), double %x, i32 15
  %a = insertvalue { <16 x double>, i64 } poison, <16 x double> %v, 0
  %b = insertvalue { <16 x double>, i64 } %a, i64 %n, 1
  ret { <16 x double>, i64 } %b
}
define internal double @walk(i64 %n) noinline #0 {
  %end = icmp eq i64 %n, 0
  br i1 %end, label %done, label %more
more:
  %x = sitofp i64 %n to double
  %p = call { <16 x double>, i64 } @pair(double %x, i64 %n)
  %m = sub i64 %n, 1
  %below = call double @walk(i64 %m)
  %v = extractvalue { <16 x double>, i64 } %p, 0
  %last = extractelement <16 x double> %v, i32 15
  %first = extractelement <16 x double> %v, i32 0
  %s = fadd double %below, %last
  %t = fadd double %s, %first
  ret double %t
done:
  ret double 0.0
}
define i32 @main() {
  %r = call double @walk(i64 9)
  %t = fptosi double %r to i32
  ret i32 %t
}
attributes #0 = { "target-features"="+avx2" }
"""

# A cold function keeps nearly all registers for its callers, also while the function that it calls is replaced.
COLD = """
@count = global i64 0
define void @plain(i64 %by) noinline {
  %old = load i64, ptr @count
  %new = add i64 %old, %by
  store i64 %new, ptr @count
  ret void
}
define coldcc void @note(i64 %by) noinline {
  call void @plain(i64 %by)
  %twice = shl i64 %by, 1
  call void @plain(i64 %twice)
  ret void
}
define i64 @work(i64 %n, double %x) noinline {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i64 [ 1, %entry ], [ %added, %loop ]
  %real = phi double [ %x, %entry ], [ %scaled, %loop ]
  call coldcc void @note(i64 %i)
  %product = mul i64 %sum, 3
  %added = add i64 %product, %i
  %scaled = fmul double %real, 1.25
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  %whole = fptosi double %scaled to i64
  %r = add i64 %added, %whole
  ret i64 %r
}
define i32 @main() {
  %a = call i64 @work(i64 12, double 2.0)
  %b = call i64 @work(i64 5, double 7.0)
  %c = load i64, ptr @count
  %s = add i64 %a, %b
  %t = add i64 %s, %c
  %m = urem i64 %t, 253
  %r = trunc i64 %m to i32
  ret i32 %r
}
"""

COLD_POINTERS = """
@table = global [2 x ptr] [ptr @even, ptr @odd]
define coldcc i64 @even(i64 %n) noinline {
  %end = icmp eq i64 %n, 0
  br i1 %end, label %done, label %more
more:
  %m = sub i64 %n, 1
  %callee = load volatile ptr, ptr getelementptr ([2 x ptr], ptr @table, i64 0, i64 1)
  %r = call coldcc i64 %callee(i64 %m)
  %s = add i64 %r, %n
  ret i64 %s
done:
  ret i64 3
}
define coldcc i64 @odd(i64 %n) noinline {
  %m = sub i64 %n, 1
  %callee = load volatile ptr, ptr @table
  %r = call coldcc i64 %callee(i64 %m)
  %s = xor i64 %r, %n
  ret i64 %s
}
define i64 @caller(i64 %a, i64 %b, i64 %c, i64 %d) noinline {
  %callee = load volatile ptr, ptr @table
  %r = call coldcc i64 %callee(i64 8)
  %p = mul i64 %a, %r
  %q = add i64 %p, %b
  %s = mul i64 %q, %c
  %t = sub i64 %s, %d
  ret i64 %t
}
define i32 @main() {
  %a = call i64 @caller(i64 1, i64 2, i64 3, i64 4)
  %b = call i64 @caller(i64 5, i64 6, i64 7, i64 8)
  %s = add i64 %a, %b
  %m = urem i64 %s, 249
  %r = trunc i64 %m to i32
  ret i32 %r
}
"""

# Calls through pointers look for a hash in front of the callee; the wrong one ends the program.
HASHED = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
typedef long (*unary)(long);
static long twice(long x) { return 2 * x; }
static long less(long x) { return x - 1; }
__attribute__((noinline)) static long halved(double x) { return (long)(x / 2); }
static unary volatile steps[] = {twice, less, twice};
static sigjmp_buf place;
static void refuse(int number) { siglongjmp(place, number); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  long x = 3;
  for (int n = 0; n < 60; n++)
    x = steps[n % 3](x) % 1001;
  int list[] = {3, 1, 2};
  qsort(list, 3, sizeof *list, compare);
  signal(SIGILL, refuse);
  int caught = sigsetjmp(place, 1);
  if (!caught) {
    steps[1] = (unary)(void *)halved;
    x += steps[1](5);
  }
  printf("%ld %d %d\n", x, list[0], caught);
  return caught == SIGILL ? 7 : 8;
}
"""

# The program's own mcount looks at the frame of who calls it, as a profiler's does.
COUNTED = r"""
#include <stdio.h>
static unsigned long entries, broken;
__attribute__((no_instrument_function, used)) void count_entry(unsigned long *frame) {
  entries++;
  broken += (unsigned long)frame - (unsigned long)__builtin_frame_address(0) > 4096 || frame[1] < 4096;
}
__attribute__((no_instrument_function, naked)) void mcount(void) {
  __asm__("push %rax\n push %rcx\n push %rdx\n push %rsi\n push %rdi\n push %r8\n push %r9\n push %r10\n"
          "mov %rbp, %rdi\n sub $8, %rsp\n call count_entry@PLT\n add $8, %rsp\n"
          "pop %r10\n pop %r9\n pop %r8\n pop %rdi\n pop %rsi\n pop %rdx\n pop %rcx\n pop %rax\n ret");
}
"""

RAISING = HASHED.replace("(unary)(void *)halved", "(raise(SIGILL), less)")

FLAGGED = r"""
#include <stdio.h>
#include <stdlib.h>
struct node { struct node *left, *right; long key; };
static struct node *insert(struct node *at, long key) {
  if (!at) {
    at = calloc(1, sizeof *at);
    at->key = key;
  } else if (key < at->key) {
    at->left = insert(at->left, key);
  } else {
    at->right = insert(at->right, key);
  }
  return at;
}
typedef long (*fold)(long, long);
static long plus(long a, long b) { return a + b; }
static long mix(long a, long b) { return a * 31 ^ b; }
static fold volatile folds[] = {plus, mix};
static long walk(const struct node *at, long sum, fold each) {
  return at ? walk(at->right, each(walk(at->left, sum, each), at->key), each) : sum;
}
int main(void) {
  struct node *root = 0;
  long key = 1, sum = 0;
  for (int n = 0; n < 300; n++) {
    key = key * 1103515245 % 65537;
    root = insert(root, key);
  }
  for (int n = 0; n < 6; n++)
    sum ^= walk(root, n, folds[n % 2]);
  printf("%ld\n", sum);
  return 5;
}
"""

# An error goes out by a register, which callers look at in different ways.
ERROR_REGISTER = r"""
#include <stdio.h>
#define SWIFT __attribute__((swiftcall, noinline))
#define CONTEXT __attribute__((swift_context))
#define ERROR __attribute__((swift_error_result))
static long visits;
__attribute__((noinline)) static long note(long n) { return visits += n; }
SWIFT static long divide(long a, CONTEXT void *by, ERROR void **error) {
  if (*(long *)by == 0) {
    *error = by;
    return note(1);
  }
  return note(a) / *(long *)by;
}
SWIFT static long twice(long a, CONTEXT void *by, ERROR void **error) {
  long once = divide(a, by, error);
  if (*error)
    return -once;
  return once + divide(a - 1, by, error);
}
__attribute__((noinline)) static long try_it(long a, long by) {
  void *error = 0;
  long result = twice(a, &by, &error);
  if (error != 0)
    return -1;
  long next = divide(a, &by, &error);
  return error == &by ? -2 : result + next;
}
__attribute__((noinline)) static long is_wrong(long by) {
  void *error = 0;
  twice(3, &by, &error);
  return error != 0;
}
int main(void) {
  for (long n = 0; n < 8; n++)
    printf("%ld %ld\n", try_it(100 + n, n % 3), is_wrong(n % 3));
  printf("%ld\n", visits);
  return 9;
}
"""
