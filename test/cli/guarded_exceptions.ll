; Guards that fail in handlers and in cleanups, while an exception is in flight or handled; continuations that throw.
; See guards_test.py for the same computation in Python.
declare void @llvm.experimental.guard(i1, ...)
declare i32 @__gxx_personality_v0(...)
declare ptr @__cxa_allocate_exception(i64)
declare void @__cxa_throw(ptr, ptr, ptr)
declare ptr @__cxa_begin_catch(ptr)
declare void @__cxa_end_catch()
declare i32 @llvm.eh.typeid.for.p0(ptr)
declare i32 @printf(ptr, ...)
@_ZTIl = external constant ptr
@destroyed = internal global i64 0
@exits = internal global i64 0
@format = private constant [13 x i8] c"%lu %lu %lu\0A\00"

define internal i64 @throws(i64 %x) {
  %rest = urem i64 %x, 3
  %throw = icmp eq i64 %rest, 0
  br i1 %throw, label %out, label %back
out:
  %exception = call ptr @__cxa_allocate_exception(i64 8)
  store i64 %x, ptr %exception
  call void @__cxa_throw(ptr %exception, ptr @_ZTIl, ptr null) noreturn
  unreachable
back:
  %product = mul i64 %x, 7
  %sum = add i64 %product, 1
  ret i64 %sum
}

define internal void @count_exit() noinline {
  %before = load i64, ptr @exits
  %after = add i64 %before, 1
  store i64 %after, ptr @exits
  ret void
}

; A destructor.
define internal void @destroy(i64 %x) {
  %low = and i64 %x, 15
  %usual = icmp ne i64 %low, 5
  call void (i1, ...) @llvm.experimental.guard(i1 %usual) [ "deopt"(ptr @destroy_slowly, i64 %x) ]
  %before = load i64, ptr @destroyed
  %after = add i64 %before, %x
  store i64 %after, ptr @destroyed
  ret void
}
define internal void @destroy_slowly(i64 %x) noinline "osr-continuation" {
  call void @count_exit()
  %before = load i64, ptr @destroyed
  %twice = mul i64 %x, 2
  %after = add i64 %before, %twice
  store i64 %after, ptr @destroyed
  ret void
}

define internal i64 @scope(i64 %x) personality ptr @__gxx_personality_v0 {
  %result = invoke i64 @throws(i64 %x) to label %normal unwind label %pad
normal:
  call void @destroy(i64 %x)
  ret i64 %result
pad:
  %exception = landingpad { ptr, i32 } cleanup
  %other = add i64 %x, 2
  call void @destroy(i64 %other)
  resume { ptr, i32 } %exception
}

define internal i64 @attempt(i64 %x) noinline personality ptr @__gxx_personality_v0 {
  %result = invoke i64 @scope(i64 %x) to label %normal unwind label %pad
normal:
  ret i64 %result
pad:
  %exception = landingpad { ptr, i32 } catch ptr @_ZTIl
  %object = extractvalue { ptr, i32 } %exception, 0
  %caught = call ptr @__cxa_begin_catch(ptr %object)
  %value = load i64, ptr %caught
  %low = and i64 %value, 31
  %usual = icmp ne i64 %low, 18
  call void (i1, ...) @llvm.experimental.guard(i1 %usual) [ "deopt"(ptr @handle_slowly, i64 %value, i64 %x) ]
  %sum = add i64 %value, %x
  call void @__cxa_end_catch()
  ret i64 %sum
}
; Ends the handler that failed, and may throw out of its function.
define internal i64 @handle_slowly(i64 %value, i64 %x) noinline "osr-continuation" {
  call void @count_exit()
  call void @__cxa_end_catch()
  %half = lshr i64 %value, 1
  %next = add i64 %half, %x
  %result = call i64 @throws(i64 %next)
  %mixed = xor i64 %result, %x
  ret i64 %mixed
}

define internal i64 @outer(i64 %depth, i64 %x) noinline personality ptr @__gxx_personality_v0 {
  %is_last = icmp eq i64 %depth, 0
  br i1 %is_last, label %last, label %deeper
deeper:
  %less = sub i64 %depth, 1
  %inner = call i64 @outer(i64 %less, i64 %x)
  %again = add i64 %inner, %depth
  ret i64 %again
last:
  %result = invoke i64 @attempt(i64 %x) to label %normal unwind label %pad
normal:
  ret i64 %result
pad:
  %exception = landingpad { ptr, i32 } catch ptr null
  %object = extractvalue { ptr, i32 } %exception, 0
  %caught = call ptr @__cxa_begin_catch(ptr %object)
  call void @destroy(i64 %x)
  call void @__cxa_end_catch()
  ret i64 3
}

define i32 @main() {
  br label %head
head:
  %i = phi i64 [ 1, %0 ], [ %next, %head ]
  %total = phi i64 [ 0, %0 ], [ %sum, %head ]
  %depth = and i64 %i, 3
  %result = call i64 @outer(i64 %depth, i64 %i)
  %scaled = mul i64 %total, 31
  %sum = add i64 %scaled, %result
  %next = add i64 %i, 1
  %done = icmp eq i64 %i, 2000
  br i1 %done, label %end, label %head
end:
  %destroyed = load i64, ptr @destroyed
  %exits = load i64, ptr @exits
  %printed = call i32 (ptr, ...) @printf(ptr @format, i64 %sum, i64 %destroyed, i64 %exits)
  ret i32 0
}
