// What the source says about a function's sites: lines, and where each variable is.
//
// Code is made without debug information but lines (compiler/canonical/source_lines.h). When somebody asks for variables, the program
// is read again from its files, with all of it, and made canonical and numbered in the same way; sites and frame states are
// then the same (fingerprint() says so), and this is read off. A program that nobody asks pays nothing.
//
//     int sum(int *list, int n) {           #0: call of add   sum  sum.c:4
//       int total = 0;                        list   Value   0 of the frame state
//       for (int i = 0; i < n; ++i)           n      Value   1
//         total = add(total, list[i]);        total  nowhere: its value has been handed to the callee
//       return total;                         i      Value   2
//     }
//
// A variable is shown where its value is in the frame state, is a constant, or lies in an object; else it is nowhere.
#pragma once

#include "compiler/base/site.h"
#include "compiler/canonical/source_variables.h"
#include "compiler/sites/source_types.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

namespace osr {

struct SourceLine {
  std::string function, file;
  unsigned line = 0; ///< 0: not known
  std::string directory; ///< what `file` is relative to, if it is
  std::string linkage_name; ///< of the function; "": it has no other
};

struct SourceVariable {
  std::string name;
  SourceTypeId type = 0;
  bool is_parameter = false;
  unsigned line = 0; ///< of its declaration
  unsigned depth = 0; ///< scopes around it in its function: of two with one name the source means the deeper one
};

/// A variable, or a part of one, while the call of a site runs.
struct VariableAtSite {
  enum class Place : std::uint8_t {
    Nowhere,
    Value, ///< `value` is it
    Memory, ///< `value` is its address
  };
  std::uint32_t variable = 0; ///< index in FunctionSource::variables
  std::uint32_t line = 0; ///< index in SourceSite::lines: of whose function it is
  Place place = Place::Nowhere;
  PointValue value;
  std::uint64_t bit_offset = 0, bits = 0; ///< the part
};

struct SourceSite {
  std::vector<SourceLine> lines; ///< the innermost first: what a front end inlined is in the function that follows
  std::vector<VariableAtSite> variables; ///< in scope; parts of one follow each other
  std::vector<VariableAtSite> observed; ///< those of the function itself that are surely there (observed_values.h)
};

struct FunctionSource {
  bool is_observed = false;
  std::uint16_t language = 0; ///< DWARF's number
  std::uint64_t fingerprint = 0; ///< of the code that this is true of
  std::vector<SourceVariable> variables;
  std::vector<SourceSite> sites; ///< by number
};

/// Of a canonical function with all its debug information, whose sites are numbered. The values of variables that are reassigned are not known then:
/// add_observed() knows some of them.
FunctionSource describe_source(llvm::Function &function, SourceTypes &types, const ModuleVariables &of_module);

/// Whether what is declared in `outer` is in scope in `inner`.
bool encloses(const llvm::DILocalScope *outer, const llvm::DILocalScope *inner);

/// Of a numbered site.
llvm::SmallVector<llvm::Value *, 16> frame_state_of(const llvm::CallBase &call);

/// Of a site's call. If that has no line it is the one of what is next to it in the same function, in any code that has lines; if there is none
/// such it has line 0.
const llvm::DILocation *location_of_site(const llvm::CallBase &call);

} // namespace osr
