; Check that a table of block addresses becomes one of numbers with a switch, and that a value that is live around the
; loop is in the frame state of the call in it.
; RUN: sites
; RUN: lower --function interpret --tier canonical

@targets = private constant [2 x ptr] [ptr blockaddress(@interpret, %step), ptr blockaddress(@interpret, %stop)]
declare i32 @getchar()

define i32 @interpret(i32 %first) {
  br label %dispatch
dispatch:
  %sum = phi i32 [ %first, %0 ], [ %more, %step ]
  %which = and i32 %sum, 1
  %entry = getelementptr [2 x ptr], ptr @targets, i32 0, i32 %which
  %target = load ptr, ptr %entry
  indirectbr ptr %target, [label %step, label %stop]
step:
  %value = call i32 @getchar()
  %more = add i32 %sum, %value
  br label %dispatch
stop:
  ret i32 %sum
}
