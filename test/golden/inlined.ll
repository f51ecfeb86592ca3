; Check that a call that was inlined into another function keeps its frame state, with that of its caller around it: a
; chain of two frames for one return PC.
; RUN: sites
; RUN: maps --function outer --tier optimized
; RUN: maps --function outer --tier baseline

declare i32 @putchar(i32)

define i32 @inner(i32 %x, i32 %y) alwaysinline {
  %a = call i32 @putchar(i32 %x)
  %sum = add i32 %a, %y
  ret i32 %sum
}

define i32 @outer(i32 %x, i32 %z) {
  %a = call i32 @inner(i32 %x, i32 5)
  %product = mul i32 %a, %z
  ret i32 %product
}
