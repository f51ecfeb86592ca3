// What is on the stacks at one moment.
#pragma once

#include "runtime/engine/engine.h"

#include <vector>

namespace osr {

/// The functions that are on stacks now, each once, by the ids that they had when the program began; of very many, or very
/// deep stacks, some. Empty also if the threads could not be stopped, or are not watched. Takes the engine's lock.
std::vector<FunctionId> active_functions(Engine &engine);

} // namespace osr
