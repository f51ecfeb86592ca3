// A piece of code as one unit of DWARF: its functions, and at each site what variables there are and where.
//
//     compile unit
//       subprogram sum                 all of its code; frame base: the CFA
//         parameter list               a location list: where it is at each site
//         block                        the last byte of a call: debuggers look up frames that wait for a call there
//           variable total             where it is at this site
//           inlined add                whose frame is in that of sum here
//             parameter a
//
// or, without code, a file's global variables.
//
// A block for each site, in place of the source's scopes, because that is what is known: at other instructions nothing is said.
#pragma once

#include "runtime/code/debug_entries.h"
#include "runtime/code/debug_sites.h"
#include "runtime/code/debugger.h"

namespace osr {

struct DebugSections {
  DwarfBytes info, abbreviations, strings, locations, lines; ///< without lines: none are known
};

/// With `code.sites`.
DebugSections describe_sites(const DebugCode &code);

} // namespace osr
