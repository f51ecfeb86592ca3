// Gates: the code behind a site knows of the code before it what is in its variables, and nothing else.
//
// An activation of an old body can go on in a new one only if the new code, from that site on, takes its variables as they are.
// But what LLVM made canonical takes for granted what came before: a variable that was just set is that number, a condition
// that was just tested still holds, two variables that were assigned to each other are one value. So in a body that may be
// entered at its sites each variable goes through a gate before each site, and LLVM is told nothing of what gates do:
//
//     n = 4;                          n = 4;                                 n.1 = 4
//     if (flag)                       if (flag)                              if (flag)
//       wait();                         n = gate(n), flag = gate(flag),        n.2 = gate(n.1), flag.2 = gate(flag)
//     use(n, flag);                     wait();                                wait()
//                                     use(n, flag);                          use(phi(n.1, n.2), phi(flag, flag.2))
//
// Once the function is canonical, what is live across a site are gates of it: each says whose value that is. Then they go; what
// is left behind is a *mark* in front of each site that has the variables which are needed behind it, with their values. In each loop
// there is one more, where a poll would be (loop_polls.h).
#pragma once

#include "compiler/base/site.h"
#include "compiler/sites/source_types.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/Support/Error.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace llvm {
class DILocalVariable;
class DILocation;
} // namespace llvm

namespace osr {

/// An object of a body that lies in memory.
struct PlacedObject {
  std::string type; ///< type_key()
  std::uint64_t offset = 0; ///< in the function's objects
};

/// What mark numbers mean. Belongs to the context of the function.
struct Gates {
  /// What has a value of its own: a variable, or part of one. Null: not one of the source, or not of this function itself.
  struct Variable {
    const llvm::DILocalVariable *variable = nullptr;
    std::uint64_t bit_offset = 0, bits = 0;
    bool is_object = false; ///< it lies in memory
  };
  struct Point {
    const llvm::DILocation *at = nullptr;
    std::map<unsigned, unsigned> copies; ///< temporaries that have the value of a variable there
    std::string problem; ///< why nobody can be let in there
    std::string called; ///< called_name() of a site
  };
  std::vector<Variable> variables;
  std::vector<Point> points;
  /// LLVM has found out that some call of theirs is never made; one that is left may not be the one that it seems to be.
  std::set<std::string> partly_gone;
};

/// The function that is called; of calls by pointer the type.
std::string called_name(const llvm::CallBase &call);

/// As the front end wrote the function, with its debug information. The error says why it cannot be done.
llvm::Expected<Gates> insert_gates(llvm::Function &function);

/// Objects with a variable that `objects` has under its name, with the same type, are to lie there.
void place_objects(llvm::Function &function, const std::map<std::string, PlacedObject> &objects, SourceTypes &types);

/// When the function is canonical, before polls are inserted: marks take the place of gates.
void replace_gates_by_marks(llvm::Function &function, Gates &gates);

/// Behind the last mark of a block, where a poll comes in front of nothing that the mark does not know. Null: there is none.
llvm::Instruction *last_mark_in(llvm::BasicBlock &block);

/// What is needed behind a site, by source variable.
struct MarkedSite {
  struct Value {
    unsigned variable = 0; ///< of Gates::variables
    llvm::Value *value = nullptr;
  };
  unsigned point = 0; ///< of Gates::points
  std::vector<Value> values;
};

/// Of each site, in the order in which sites are numbered; nothing if it has no mark.
std::vector<std::optional<MarkedSite>> read_marks(llvm::Function &function);
void drop_marks(llvm::Function &function);

} // namespace osr
