; Lists of tagged values, summed by code that assumes small integers: rarely, some are not. Recursion, inlining and a
; loop; what the guards assume is wrong every so often, in different places.
@format = constant [6 x i8] c"%llu\0A\00"
@calls = global i64 0
declare i32 @printf(ptr, ...)
declare void @llvm.experimental.guard(i1, ...)
declare i64 @llvm.experimental.deoptimize.i64(...)

define i64 @add_slow(i64 %a, i64 %b) "osr-continuation" {
  %calls = load i64, ptr @calls
  %more = add i64 %calls, 1
  store i64 %more, ptr @calls
  %x = xor i64 %a, %b
  ret i64 %x
}

define i64 @add(i64 %a, i64 %b) {
  %low = and i64 %a, 31
  %usual = icmp ne i64 %low, 17
  call void (i1, ...) @llvm.experimental.guard(i1 %usual) [ "deopt"(ptr @add_slow, i64 %a, i64 %b) ]
  %r = add i64 %a, %b
  ret i64 %r
}

define i64 @mix_slow(i64 %s) "osr-continuation" {
  %r = call i64 @add(i64 %s, i64 17)
  ret i64 %r
}

define i64 @mix(i64 %s) {
  %m = mul i64 %s, 6364136223846793005
  %t = add i64 %m, 1442695040888963407
  %high = lshr i64 %t, 60
  %rare = icmp eq i64 %high, 9
  br i1 %rare, label %leave, label %stay, !prof !0
leave:
  %l = call i64 (...) @llvm.experimental.deoptimize.i64(i32 9) [ "deopt"(ptr @mix_slow, i64 %t) ]
  ret i64 %l
stay:
  %shifted = lshr i64 %t, 7
  ret i64 %shifted
}
!0 = !{!"branch_weights", i32 1, i32 1000}

define i64 @tree(i64 %depth, i64 %seed) {
  %leaf = icmp eq i64 %depth, 0
  br i1 %leaf, label %end, label %inner
inner:
  %less = sub i64 %depth, 1
  %s1 = call i64 @mix(i64 %seed)
  %left = call i64 @tree(i64 %less, i64 %s1)
  %s2 = call i64 @mix(i64 %left)
  %right = call i64 @tree(i64 %less, i64 %s2)
  %sum = call i64 @add(i64 %left, i64 %right)
  ret i64 %sum
end:
  %r = call i64 @mix(i64 %seed)
  ret i64 %r
}

define i32 @main() {
  br label %loop
loop:
  %i = phi i64 [ 1, %0 ], [ %next, %loop ]
  %s = phi i64 [ 0, %0 ], [ %sum, %loop ]
  %tree = call i64 @tree(i64 10, i64 %i)
  %sum = call i64 @add(i64 %s, i64 %tree)
  %next = add i64 %i, 1
  %done = icmp eq i64 %next, 20
  br i1 %done, label %end, label %loop
end:
  %p = call i32 (ptr, ...) @printf(ptr @format, i64 %sum) [ "deopt"(i64 %sum) ]
  %calls = load i64, ptr @calls
  %q = call i32 (ptr, ...) @printf(ptr @format, i64 %calls)
  ret i32 0
}
