// Sites, records and machine code, for people.
#pragma once

#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <string>

namespace osr {

/// The sites of a function, and what a frame holds at each.
std::string text_of(const FunctionInfo &function);

enum class CodeParts : std::uint8_t { Records, All };

/// Of one version: its machine code, with the record of each return PC in front of the instruction that it is the address of.
llvm::Expected<std::string> text_of(Engine &engine, const CodeObject &object, CodeParts parts)
    OSR_REQUIRES(engine_lock);

} // namespace osr
