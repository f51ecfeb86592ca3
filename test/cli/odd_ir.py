"""What the tests of unusual IR begin with: calls that cannot be left out, and output."""

PRINT = """
@format = private constant [6 x i8] c"%ld \\0A\\00"
declare i32 @printf(ptr, ...)
@clock = global i64 0
define i64 @tick(i64 %x) noinline {
  %old = load volatile i64, ptr @clock
  %new = add i64 %old, %x
  store volatile i64 %new, ptr @clock
  ret i64 %new
}
define void @show(i64 %x) noinline {
  %ignored = call i32 (ptr, ...) @printf(ptr @format, i64 %x)
  ret void
}
"""
