; Check that direct, indirect and library calls become sites, and that intrinsics, leaf library functions, calls that
; never return and guaranteed tail calls do not.
; RUN: sites
; RUN: lower --function calls --tier baseline

declare i64 @strlen(ptr)
declare i32 @puts(ptr)
declare void @exit(i32) noreturn
declare i64 @llvm.bswap.i64(i64)

define i64 @calls(ptr %text, ptr %function, i64 %kept) {
  %length = call i64 @strlen(ptr %text)
  %printed = call i32 @puts(ptr %text)
  call void %function(ptr %text)
  %sum = add i64 %length, %kept
  %other = call i64 @helper(i64 %sum)
  %rounded = call i64 @llvm.bswap.i64(i64 %other)
  %ends = icmp eq i64 %sum, 0
  br i1 %ends, label %end, label %go_on
end:
  call void @exit(i32 1)
  unreachable
go_on:
  %result = musttail call i64 @calls(ptr %text, ptr %function, i64 %rounded)
  ret i64 %result
}

define i64 @helper(i64 %x) noinline {
  %printed = call i32 @puts(ptr null)
  ret i64 %x
}
