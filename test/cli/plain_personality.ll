; Handlers with a personality function of a library, in frames that wait for a transition. Prints what they have found.
target triple = "x86_64-pc-linux-gnu"
declare i32 @plain_personality(...)
declare void @raise_fault(i64)
declare i64 @take_fault(ptr)
declare i32 @printf(ptr, ...)
@text = private constant [5 x i8] c"%ld\0A\00"

define i64 @risky(i64 %n) noinline uwtable {
  %rest = srem i64 %n, 3
  %fails = icmp eq i64 %rest, 0
  br i1 %fails, label %fail, label %pass
fail:
  call void @raise_fault(i64 %n)
  br label %pass
pass:
  %twice = mul i64 %n, 2
  ret i64 %twice
}

define i64 @handled(i64 %n, i64 %kept) noinline uwtable personality ptr @plain_personality {
  %product = mul i64 %kept, %n
  %r = invoke i64 @risky(i64 %n) to label %normal unwind label %pad
normal:
  %sum = add i64 %r, %product
  ret i64 %sum
pad:
  %caught = landingpad { ptr, i32 } catch ptr null
  %exception = extractvalue { ptr, i32 } %caught, 0
  %value = call i64 @take_fault(ptr %exception)
  %hundreds = mul i64 %value, 100
  %total = add i64 %hundreds, %product
  ret i64 %total
}

define i64 @between(i64 %n, i64 %depth) noinline uwtable {
  %at_end = icmp eq i64 %depth, 0
  br i1 %at_end, label %end, label %more
more:
  %less = sub i64 %depth, 1
  %below = call i64 @between(i64 %n, i64 %less)
  %sum = add i64 %below, %depth
  ret i64 %sum
end:
  %r = call i64 @risky(i64 %n)
  ret i64 %r
}

define i64 @handled_below(i64 %n) noinline uwtable personality ptr @plain_personality {
  %r = invoke i64 @between(i64 %n, i64 4) to label %normal unwind label %pad
normal:
  ret i64 %r
pad:
  %caught = landingpad { ptr, i32 } catch ptr null
  %exception = extractvalue { ptr, i32 } %caught, 0
  %value = call i64 @take_fault(ptr %exception)
  %negative = sub i64 %n, %value
  %result = sub i64 %negative, 1
  ret i64 %result
}

define i32 @main() uwtable {
  br label %loop
loop:
  %i = phi i64 [ 1, %0 ], [ %next, %loop ]
  %a = call i64 @handled(i64 %i, i64 7)
  %b = call i64 @handled_below(i64 %i)
  %printed = call i32 (ptr, ...) @printf(ptr @text, i64 %a)
  %again = call i32 (ptr, ...) @printf(ptr @text, i64 %b)
  %next = add i64 %i, 1
  %ends = icmp eq i64 %next, 40
  br i1 %ends, label %done, label %loop
done:
  ret i32 0
}
