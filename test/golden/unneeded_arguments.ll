; Check that a caller passes an argument that the optimised callee has no use for: its loop is deleted there, but the baseline version,
; which a call may enter as well, counts from whatever it is given.
; RUN: lower --function after_count --tier optimized
; RUN: lower --function after_count --tier baseline
; RUN: lower --function caller --tier optimized

@more = global i64 5

define i64 @after_count(i32 noundef %count, i64 %n) noinline mustprogress willreturn nounwind {
entry:
  br label %loop
loop:
  %left = phi i32 [ %count, %entry ], [ %less, %next ]
  %done = icmp eq i32 %left, 0
  br i1 %done, label %end, label %next
next:
  %less = add nsw i32 %left, -1
  br label %loop
end:
  %more = load volatile i64, ptr @more
  %r = add i64 %n, %more
  ret i64 %r
}

define i64 @caller(i64 %n) {
  %r = call i64 @after_count(i32 noundef 2, i64 %n)
  %s = add i64 %r, 1
  ret i64 %s
}

define i32 @main() {
  ret i32 0
}
