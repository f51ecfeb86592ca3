// A program with guards, and an interpreter that takes over where they have failed.
#pragma once

#include "live_program.h"

namespace osr {

inline constexpr const char *guarded_text = R"(
  declare void @llvm.experimental.guard(i1, ...)
  declare i64 @llvm.experimental.deoptimize.i64(...)
  declare { i64, double } @llvm.experimental.deoptimize.sl_i64f64s(...)
  declare i1 @llvm.experimental.widenable.condition()
  @memory = global i64 0

  ; Called when something is not below 100: gives 1000 more, and says so in memory.
  define i64 @large(i64 %x) noinline "osr-continuation" {
    %seen = call i64 @host(i64 %x)
    store i64 %seen, ptr @memory
    %r = add i64 %x, 1000
    ret i64 %r
  }
  define i64 @small_only(i64 %x) noinline {
    %small = icmp ult i64 %x, 100
    call void (i1, ...) @llvm.experimental.guard(i1 %small) [ "deopt"(ptr @large, i64 %x) ]
    %r = add i64 %x, 1
    ret i64 %r
  }

  ; The same in a callee that is inlined, with a value in each frame that only baseline code needs.
  define internal i64 @checked(i64 %x, i64 %y) alwaysinline {
    %small = icmp ult i64 %x, 100
    call void (i1, ...) @llvm.experimental.guard(i1 %small) [ "deopt"(ptr @large_sum, i64 %x, i64 %y) ]
    ret i64 %x
  }
  define i64 @large_sum(i64 %x, i64 %y) noinline "osr-continuation" {
    %seen = call i64 @host(i64 %x)
    %r = add i64 %x, %y
    ret i64 %r
  }
  define i64 @sums(i64 %x) noinline {
    %y = mul i64 %x, 3
    %a = call i64 @checked(i64 %x, i64 %y)
    %z = mul i64 %x, 5
    %b = call i64 @checked(i64 %a, i64 %z)
    %s = add i64 %a, %b
    %t = add i64 %s, %y
    %u = call i64 @host(i64 %t)
    ret i64 %u
  }

  ; What the failed guard's continuation stores has to be seen by the caller, and may be stored through its argument.
  define i64 @pokes(ptr %p) noinline "osr-continuation" {
    store i64 7, ptr %p
    store ptr %p, ptr @escaped
    ret i64 0
  }
  @escaped = global ptr null
  define i64 @looks(ptr %p, i64 %x) noinline {
    %zero = icmp eq i64 %x, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %zero) [ "deopt"(ptr @pokes, ptr %p) ]
    ret i64 1
  }
  define i64 @watches(i64 %x) noinline {
    %object = alloca i64
    store i64 5, ptr %object
    %before = load i64, ptr %object
    %r = call i64 @looks(ptr %object, i64 %x)
    %after = load i64, ptr %object
    %difference = sub i64 %after, %before
    ret i64 %difference
  }

  ; Each of six arguments' bits is guarded by itself.
  define i64 @bits(i64 %x) noinline {
    %b0 = and i64 %x, 1
    %g0 = icmp eq i64 %b0, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g0) [ "deopt"(ptr @large, i64 %x) ]
    %b1 = and i64 %x, 2
    %g1 = icmp eq i64 %b1, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g1) [ "deopt"(ptr @large, i64 %x) ]
    %b2 = and i64 %x, 4
    %g2 = icmp eq i64 %b2, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g2) [ "deopt"(ptr @large, i64 %x) ]
    %b3 = and i64 %x, 8
    %g3 = icmp eq i64 %b3, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g3) [ "deopt"(ptr @large, i64 %x) ]
    %b4 = and i64 %x, 16
    %g4 = icmp eq i64 %b4, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g4) [ "deopt"(ptr @large, i64 %x) ]
    %b5 = and i64 %x, 32
    %g5 = icmp eq i64 %b5, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g5) [ "deopt"(ptr @large, i64 %x) ]
    %b6 = and i64 %x, 64
    %g6 = icmp eq i64 %b6, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g6) [ "deopt"(ptr @large, i64 %x) ]
    ret i64 %x
  }

  define i64 @widenable(i64 %x) noinline {
    %small = icmp ult i64 %x, 100
    %w = call i1 @llvm.experimental.widenable.condition()
    %go = and i1 %small, %w
    br i1 %go, label %fast, label %slow
  fast:
    ret i64 1
  slow:
    %r = call i64 (...) @llvm.experimental.deoptimize.i64(i32 42) [ "deopt"(i64 %x, i32 11) ]
    ret i64 %r
  }

  ; All kinds of values, into the embedder's interpreter, and a result of two registers.
  define { i64, double } @kinds(i64 %x) noinline {
    %i = trunc i64 %x to i13
    %f = uitofp i64 %x to float
    %d = uitofp i64 %x to double
    %e = uitofp i64 %x to x86_fp80
    %w = zext i64 %x to i128
    %big = shl i128 %w, 64
    %p = inttoptr i64 %x to ptr
    %v = insertelement <4 x i32> zeroinitializer, i32 9, i32 3
    %r = call { i64, double } (...) @llvm.experimental.deoptimize.sl_i64f64s()
        [ "deopt"(i13 %i, float %f, double %d, x86_fp80 %e, i128 %big, ptr %p, <4 x i32> %v) ]
    ret { i64, double } %r
  }
  define i64 @uses_kinds(i64 %x) noinline {
    %both = call { i64, double } @kinds(i64 %x)
    %a = extractvalue { i64, double } %both, 0
    %b = extractvalue { i64, double } %both, 1
    %c = fptoui double %b to i64
    %r = add i64 %a, %c
    ret i64 %r
  }

  ; Sums from %i below %n. The interpreter takes over at 50 and comes back at a checkpoint.
  define i64 @loop(i64 %n) noinline {
    br label %head
  head:
    %i = phi i64 [ 0, %0 ], [ %next, %body ]
    %s = phi i64 [ 0, %0 ], [ %sum, %body ]
    %more = icmp ult i64 %i, %n
    br i1 %more, label %body, label %done
  body:
    %add = call i64 @host(i64 %i)
    %usual = icmp ne i64 %add, 50
    call void (i1, ...) @llvm.experimental.guard(i1 %usual, i32 3) [ "deopt"(i64 %i, i64 %s, i64 %n) ]
    %sum = add i64 %s, %add
    %next = add i64 %i, 1
    br label %head
  done:
    ret i64 %s
  }

  define i64 @has_object(i64 %x) noinline {
    %object = alloca [4 x i64]
    %p = getelementptr i64, ptr %object, i64 %x
    store i64 %x, ptr %p
    %address = ptrtoint ptr %object to i64
    %y = call i64 @host(i64 %address)
    %z = load i64, ptr %p
    ret i64 %z
  }
)";

inline DeoptimizeHandler interpreter; ///< what it does now

inline LiveProgram &program() {
  static LiveProgram *live = [] {
    Runtime::Options options;
    options.deoptimize = [](const DeoptimizedFrame &frame) { return interpreter(frame); };
    return new LiveProgram(guarded_text, std::move(options));
  }();
  return *live;
}

inline Statistics::Guards guards() { return program().runtime().snapshot()->guards; }

} // namespace osr
