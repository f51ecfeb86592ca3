; Check that values of every kind that is live over a call are recorded as scalar pieces, in the same order in both
; tiers, and that results are found in the registers of their type.
; RUN: sites
; RUN: maps --records --function live --tier baseline
; RUN: maps --records --function live --tier optimized

define void @live(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer,
                  ptr %function) {
  call void %function(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer)
  call void %function(i128 %wide, x86_fp80 %extended, <4 x float> %vector, double %number, i1 %flag, i8 %byte, ptr %pointer)
  ret void
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
