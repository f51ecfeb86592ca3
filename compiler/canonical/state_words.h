// Values of any type as 64-bit words, in which they are handed to an interpreter.
#pragma once

#include <llvm/IR/IRBuilder.h>

namespace osr {

/// Appends the words of `value`: integers are extended with zeros, numbers of floating point and vectors are taken as
/// the integers of their bits, lowest word first; members of aggregates follow each other. False: no bits say what it is.
bool append_words(llvm::Value &value, llvm::IRBuilder<> &builder, llvm::SmallVectorImpl<llvm::Value *> &words);

/// The value of this type whose words are the first ones of `words`, an aggregate of i64. Null if it has more, or none.
llvm::Value *value_of_words(llvm::Type &type, llvm::Value &words, llvm::IRBuilder<> &builder);

} // namespace osr
