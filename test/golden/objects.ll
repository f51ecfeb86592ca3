; Check that locals whose address escapes leave the frame for an object frame, that the only value of the frame state that
; stands for them is that frame's address, and that a function with a local of variable size keeps it and is pinned.
; RUN: sites
; RUN: lower --function fixed --tier canonical
; RUN: lower --function variable --tier canonical
; RUN: maps --records --function fixed --tier baseline
; RUN: maps --records --function fixed --tier optimized

declare void @perror(ptr)

define i32 @fixed(i32 %x) {
  %small = alloca i32
  %aligned = alloca [16 x i8], align 64
  store i32 %x, ptr %small
  call void @perror(ptr %aligned)
  call void @perror(ptr %small)
  %result = load i32, ptr %small
  ret i32 %result
}

define void @variable(i64 %count) {
  %saved = call ptr @llvm.stacksave()
  %array = alloca i32, i64 %count
  call void @perror(ptr %array)
  call void @llvm.stackrestore(ptr %saved)
  call void @perror(ptr null)
  ret void
}

declare ptr @llvm.stacksave()
declare void @llvm.stackrestore(ptr)
