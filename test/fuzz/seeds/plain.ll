; Register, spilled, constant, large constant and stack-address operands.
declare void @llvm.experimental.stackmap(i64, i32, ...)
declare void @callee()

define i64 @registers(i64 %a, i64 %b, double %d) {
  %slot = alloca i64
  store i64 %a, ptr %slot
  call void @callee()
  call void (i64, i32, ...) @llvm.experimental.stackmap(i64 1, i32 0, i64 %a, i64 %b, double %d, ptr %slot,
                                                        i64 42, i64 -1, i64 81985529216486895, i32 7)
  %c = add i64 %a, %b
  call void @callee()
  call void (i64, i32, ...) @llvm.experimental.stackmap(i64 2, i32 0, i64 %c)
  ret i64 %c
}

define void @nothing() {
  call void @callee()
  call void (i64, i32, ...) @llvm.experimental.stackmap(i64 4294967298, i32 0)
  ret void
}

define void @dynamic(i64 %n) {
  %slot = alloca i8, i64 %n
  call void @callee()
  call void (i64, i32, ...) @llvm.experimental.stackmap(i64 4, i32 0, ptr %slot, i64 %n, i64 123456789012345)
  ret void
}
