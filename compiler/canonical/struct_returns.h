// Struct returns become ordinary pointer results.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Replaces `void f(ptr sret(T) %out, ...)` by `ptr f(ptr %out, ...)` that returns %out, in definitions, declarations
/// and calls, direct or not.
///
/// The machine code is the same: on x86-64 a function with a struct return has to return the pointer in rax. Left as
/// sret that copy would be a hidden value, live across every call and named by no frame state.
/// Fails on a function that has both a struct return and another result.
llvm::Error convert_struct_returns(llvm::Module &module);

/// The type that the function has then.
llvm::FunctionType *converted_type(const llvm::Function &function);

} // namespace osr
