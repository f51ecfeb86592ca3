// Points: where the front end is while a call runs, in its own terms.
//
//      %r = call i64 @f(i64 %x) ["deopt"(i64 7, i64 %x, ptr %table)]         the call, and what the front end calls this place
//      call void @osr.point(i64 8) ["deopt"(i64 %y)]                         a place without a call of the program
//
// The bundle says what an abstract frame of the front end's would hold if the call returned into it: an id, and the values of
// its virtual registers, in its order. They stay known while the call runs, in all tiers, whether compiled code needs
// them or not. Other uses of "deopt" bundles: exit_calls.h.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// What a front end declares: `void osr.point(i64 id)`; what its calls become, which do nothing.
inline constexpr const char *point_function = "osr.point", *point_callee = "osr-point";
/// In canonical code the bundle has this name, until the sites are numbered: then it is part of the frame state.
inline constexpr const char *point_bundle = "osr.point";

/// Gives bundles of points their own name, with the id in front; calls without an id lose theirs.
llvm::Error keep_points(llvm::Module &module);

/// Takes the bundle away from a call, which is replaced.
llvm::CallBase *drop_point(llvm::CallBase &call);

/// Takes away all bundles of points.
void drop_points(llvm::Function &function);

/// Takes away places without a call of the program; optimised code does without.
void drop_point_calls(llvm::Module &module);

} // namespace osr
