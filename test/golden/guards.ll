; Check that a guard is a branch to a site in baseline code, and that optimised code ends there, with the frame state of
; the site, also where it was inlined; that an interpreter gets the bundle's values as words; and that bundles of other
; calls are dropped.
; RUN: sites
; RUN: lower --function element --tier canonical
; RUN: lower --function element --tier optimized
; RUN: lower --function sum --tier optimized
; RUN: lower --function interpreted --tier canonical

declare void @llvm.experimental.guard(i1, ...)
declare i64 @llvm.experimental.deoptimize.i64(...)
declare double @llvm.experimental.deoptimize.f64(...)
declare i1 @llvm.experimental.widenable.condition()
declare i32 @putchar(i32)

define i64 @slow(ptr %list, i64 %i) "osr-continuation" {
  %c = call i32 @putchar(i32 33)
  ret i64 -1
}

define i64 @element(ptr %list, i64 %i) {
  %length = load i64, ptr %list
  %inside = icmp ult i64 %i, %length
  call void (i1, ...) @llvm.experimental.guard(i1 %inside) [ "deopt"(ptr @slow, ptr %list, i64 %i) ]
  %at = add i64 %i, 1
  %place = getelementptr i64, ptr %list, i64 %at
  %element = load i64, ptr %place
  ret i64 %element
}

define i64 @sum(ptr %list, i64 %i, i64 %j) {
  %a = call i64 @element(ptr %list, i64 %i)
  %b = call i64 @element(ptr %list, i64 %j)
  %sum = add i64 %a, %b
  ret i64 %sum
}

define double @interpreted(i64 %x, double %y, <2 x float> %z, i1 %ok) {
  %c = call i32 @putchar(i32 46) [ "deopt"(i64 %x) ]
  %widenable = call i1 @llvm.experimental.widenable.condition()
  %go = and i1 %ok, %widenable
  br i1 %go, label %fast, label %leave
fast:
  %square = fmul double %y, %y
  ret double %square
leave:
  %r = call double (...) @llvm.experimental.deoptimize.f64(i32 7) [ "deopt"(i64 %x, double %y, <2 x float> %z) ]
  ret double %r
}
