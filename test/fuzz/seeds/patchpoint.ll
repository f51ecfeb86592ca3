; A patchpoint with live-out registers.
declare i64 @llvm.experimental.patchpoint.i64(i64, i32, ptr, i32, ...)

define i64 @patch(i64 %a, i64 %b, i64 %c) {
  %r = call i64 (i64, i32, ptr, i32, ...) @llvm.experimental.patchpoint.i64(i64 77, i32 15, ptr null, i32 2,
                                                                           i64 %a, i64 %b, i64 %c)
  %s = add i64 %r, %c
  ret i64 %s
}
