// Frames of the host's own JIT, if that links by LLVM's ORC, between those of the program.
#pragma once

#include <llvm/ExecutionEngine/Orc/LinkGraphLinkingLayer.h>

#include <memory>

namespace osr {

/// Makes code that a linking layer links from then on known to walks: frames of it hide nothing that is older, so requests
/// replace what lies on both sides. Until it is removed, which may be when none of its frames is on a stack. Without it requests
/// are refused while such frames are between those of a runtime. One plugin may serve several layers, and need not be kept.
/// Example:
///
///     auto &layer = static_cast<llvm::orc::ObjectLinkingLayer &>(lljit->getObjLinkingLayer());
///     layer.addPlugin(osr::make_walkable());
std::shared_ptr<llvm::orc::LinkGraphLinkingLayer::Plugin> make_walkable();

} // namespace osr
