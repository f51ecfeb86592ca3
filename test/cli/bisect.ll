; Check that of the functions that are moved between tiers the one is found whose frame is rebuilt wrongly: only its
; second site has two values of the same size, which the seeded fault makes change places.
@text = private constant [4 x i8] c"%d\0A\00"
declare i32 @printf(ptr, ...)

define i32 @leaf(i32 %x) noinline {
  %printed = call i32 (ptr, ...) @printf(ptr @text, i32 %x)
  %twice = add i32 %x, %x
  ret i32 %twice
}

define i32 @innocent(i32 %x) noinline {
  %a = call i32 @leaf(i32 %x)
  %sum = xor i32 %a, %x
  ret i32 %sum
}

define i32 @culprit(i32 %x, i32 %y) noinline {
  %a = call i32 @leaf(i32 %x)
  %b = call i32 @leaf(i32 %y)
  %weighted = mul i32 %a, 3
  %sum = sub i32 %weighted, %y
  %all = xor i32 %sum, %b
  ret i32 %all
}

define i32 @main() {
  %a = call i32 @innocent(i32 11)
  %b = call i32 @culprit(i32 5, i32 9)
  %sum = sub i32 %b, %a
  %printed = call i32 (ptr, ...) @printf(ptr @text, i32 %sum)
  ret i32 0
}
