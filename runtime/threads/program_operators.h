// The program's operators new and delete, in the place of the C++ library's.
//
// The C++ library works for the runtime and LLVM too, and they must not come by there. In a process that links
// interposed_operators.cpp everybody's operators are the executable's, which ask for whom they work:
//
//   new      for the program (own_heap.h)              ──► the program's, if it has one
//            else                                      ──► malloc
//   delete   of a block from the runtime's own heap    ──► free
//            of any other                              ──► the program's, if it has one
//
// So each block is freed by who made it, whichever thread does so and when. An operator that the program has not does what
// the C++ library's does: it calls another one.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <cstdint>

namespace osr {

enum class Operator : std::uint8_t {
  New,
  NewArray,
  NewOrNull,
  NewArrayOrNull,
  AlignedNew,
  AlignedNewArray,
  AlignedNewOrNull,
  AlignedNewArrayOrNull,
  Delete,
  DeleteArray,
  SizedDelete,
  SizedDeleteArray,
  DeleteIfNull,
  DeleteArrayIfNull,
  AlignedDelete,
  AlignedDeleteArray,
  SizedAlignedDelete,
  SizedAlignedDeleteArray,
  AlignedDeleteIfNull,
  AlignedDeleteArrayIfNull,
};

/// `name`: of a symbol.
bool is_operator_new_or_delete(llvm::StringRef name);

/// True in a process that links interposed_operators.cpp, if the runtime has a heap of its own there.
bool can_replace_operators();
void set_operators_can_be_replaced();

/// Before there are threads. 0: the program has none of that name, or no more.
void set_program_operator(llvm::StringRef name, std::uint64_t address);

/// 0: the program has none.
std::uint64_t program_operator(Operator which);

} // namespace osr
