; Check that functions whose frames cannot be rebuilt are listed with the reason.
; RUN: sites

declare i32 @setjmp(ptr) returns_twice
declare void @use(ptr)
declare void @llvm.va_start(ptr)
declare void @llvm.va_end(ptr)
declare ptr @llvm.frameaddress(i32)

define i32 @jumps(ptr %place) {
  %again = call i32 @setjmp(ptr %place) returns_twice
  call void @use(ptr %place)
  ret i32 %again
}

define void @variadic(i32 %n, ...) {
  %list = alloca [24 x i8], align 8
  call void @llvm.va_start(ptr %list)
  call void @use(ptr %list)
  call void @llvm.va_end(ptr %list)
  ret void
}

define void @looks_at_its_frame() {
  %frame = call ptr @llvm.frameaddress(i32 0)
  call void @use(ptr %frame)
  ret void
}

define void @bare() naked {
  call void asm sideeffect "ret", ""()
  unreachable
}

define i32 @ordinary(ptr %place) {
  %again = call i32 @jumps(ptr %place)
  ret i32 %again
}

declare void @target(ptr, ...)

define void @hands_on(ptr %this, ...) {
  call void @use(ptr %this)
  musttail call void (ptr, ...) @target(ptr %this, ...)
  ret void
}
