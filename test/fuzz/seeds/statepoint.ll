; A deopt bundle that LLVM lowers as a statepoint.
declare i64 @callee(i64)

define i64 @state(i64 %a, i64 %b) gc "statepoint-example" {
  %r = call i64 @callee(i64 %a) "statepoint-id"="4294967299" [ "deopt"(i64 4294967299, i64 %a, i64 %b, i32 5, i64 81985529216486895) ]
  %s = add i64 %r, %b
  %t = call i64 @callee(i64 %s) "statepoint-id"="4294967300" [ "deopt"(i64 4294967300, i64 %s) ]
  ret i64 %t
}
