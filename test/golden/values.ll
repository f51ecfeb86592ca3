; Check that values of every kind that is live over a call are recorded as scalar pieces, in the same order in both
; tiers, and that results are found in the registers of their type.
; RUN: sites
; RUN: maps --records --function live --tier baseline
; RUN: maps --records --function live --tier optimized
; RUN: maps --records --function on_the_stack --tier baseline
; RUN: maps --records --function on_the_stack --tier optimized

define void @live(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer,
                  ptr %function) {
  call void %function(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer)
  call void %function(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer)
  ret void
}

; The last two are passed on the stack: optimised code records them where the caller put them.
define i64 @on_the_stack(ptr %f, i64 %b, i64 %c, i64 %d, i64 %e, i64 %g, i64 %seventh, i64 %eighth) {
  call void asm sideeffect "", "~{rbx},~{r12},~{r13},~{r14},~{r15}"()
  call void %f()
  call void asm sideeffect "", "~{rbx},~{r12},~{r13},~{r14},~{r15}"()
  %sum = add i64 %seventh, %eighth
  ret i64 %sum
}

define double @results(ptr %where, ptr %pair, ptr %extended, ptr %vector) {
  %both = call { i64, double } %pair()
  %second = extractvalue { i64, double } %both, 1
  %x = call x86_fp80 %extended()
  store x86_fp80 %x, ptr %where
  %v = call <8 x float> %vector()
  store <8 x float> %v, ptr %where
  ret double %second
}
