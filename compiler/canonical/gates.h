// Names of what keeps the code behind a call from knowing of the code before it (compiler/sites/variable_gates.h has the picture).
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

inline constexpr const char *gate_prefix = "osr.gate."; ///< followed by a type
inline constexpr const char *gate_point = "osr.gate.point", *gate_mark = "osr.gate.mark",
                            *gate_see = "osr.gate.see"; ///< compiler/canonical/observe_variables.h

/// They are reserved names, so no program has them.
inline bool is_gate_name(llvm::StringRef name) { return name.starts_with(gate_prefix); }
inline bool has_gates(const llvm::Module &module) { return module.getFunction(gate_point) != nullptr; }

/// Of a value: number of the place, number of the variable, value. LLVM leaves calls of gates where they are.
llvm::FunctionCallee declare_gate(llvm::Module &module, llvm::Type &type);
/// gate_point and its kind: number of the place, and what is there. Each call stays one.
llvm::FunctionCallee declare_place(llvm::Module &module, llvm::StringRef name, llvm::MemoryEffects effects);

} // namespace osr
