; More values than registers, and narrow, wide and vector ones.
declare void @llvm.experimental.stackmap(i64, i32, ...)
declare void @callee()

define i64 @many(ptr %p, <4 x i32> %v, i16 %s, i8 %c, i1 %f, float %x) {
  %q1 = getelementptr i64, ptr %p, i64 1
  %a0 = load i64, ptr %p
  %a1 = load i64, ptr %q1
  %a2 = mul i64 %a0, %a1
  %a3 = mul i64 %a2, %a1
  %a4 = xor i64 %a3, %a0
  %a5 = mul i64 %a4, %a2
  %a6 = mul i64 %a5, %a3
  %a7 = xor i64 %a6, %a4
  call void @callee()
  call void (i64, i32, ...) @llvm.experimental.stackmap(i64 9, i32 5, i64 %a0, i64 %a1, i64 %a2, i64 %a3, i64 %a4,
                     i64 %a5, i64 %a6, i64 %a7, <4 x i32> %v, i16 %s, i8 %c, i1 %f, float %x, ptr %p, ptr %q1)
  %r = add i64 %a7, %a6
  ret i64 %r
}
