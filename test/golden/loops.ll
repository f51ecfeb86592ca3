; Check that a loop whose end nobody knows polls, and that the poll is a site behind all others; that a counted loop has
; none and is still made of vectors in the optimised tier; and that around counted loops the outer one polls.
; RUN: sites
; RUN: lower --function walk --tier canonical
; RUN: lower --function add --tier optimized

declare i32 @putchar(i32)

define i64 @walk(ptr %list) {
entry:
  br label %loop
loop:
  %at = phi ptr [ %list, %entry ], [ %next, %loop ]
  %count = phi i64 [ 0, %entry ], [ %more, %loop ]
  %more = add i64 %count, 1
  %next = load ptr, ptr %at
  %end = icmp eq ptr %next, null
  br i1 %end, label %done, label %loop
done:
  %c = call i32 @putchar(i32 10)
  ret i64 %more
}

define void @add(ptr noalias %to, ptr noalias %from, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %t = getelementptr i32, ptr %to, i64 %i
  %f = getelementptr i32, ptr %from, i64 %i
  %x = load i32, ptr %t
  %y = load i32, ptr %f
  %sum = add i32 %x, %y
  store i32 %sum, ptr %t
  %next = add nuw nsw i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}

define void @rows(ptr noalias %to, ptr noalias %from, i64 %n) {
entry:
  br label %row
row:
  %r = phi i64 [ 0, %entry ], [ %nextrow, %end ]
  %offset = mul i64 %r, %n
  br label %column
column:
  %c = phi i64 [ 0, %row ], [ %next, %column ]
  %i = add i64 %offset, %c
  %t = getelementptr i32, ptr %to, i64 %i
  %f = getelementptr i32, ptr %from, i64 %i
  %x = load i32, ptr %t
  %y = load i32, ptr %f
  %sum = add i32 %x, %y
  store i32 %sum, ptr %t
  %next = add nuw nsw i64 %c, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %column, label %end
end:
  %nextrow = add nuw nsw i64 %r, 1
  %morerows = icmp ult i64 %nextrow, %n
  br i1 %morerows, label %row, label %done
done:
  ret void
}
