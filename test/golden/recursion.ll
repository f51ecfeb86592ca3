; Check that the two sites of a recursive function have the same slots in every tier, in memory in the baseline tier,
; and that a continuation begins behind its call.
; RUN: sites
; RUN: lower --function fib --tier canonical
; RUN: lower --function fib --tier baseline
; RUN: lower --function fib --tier optimized
; RUN: lower --function fib --continuation 1
; RUN: maps --function fib --tier baseline
; RUN: maps --function fib --tier optimized
; RUN: maps --function fib --continuation 0
; RUN: code --continuations

define i32 @fib(i32 %n) {
  %small = icmp slt i32 %n, 2
  br i1 %small, label %done, label %more
more:
  %n1 = sub i32 %n, 1
  %a = call i32 @fib(i32 %n1)
  %n2 = sub i32 %n, 2
  %b = call i32 @fib(i32 %n2)
  %sum = xor i32 %a, %b
  ret i32 %sum
done:
  ret i32 %n
}
