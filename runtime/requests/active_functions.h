// What is on the stacks at one moment.
#pragma once

#include "runtime/engine/engine.h"

#include <string>
#include <vector>

namespace osr {

/// The functions that are on stacks now, each as often as bodies of it are; of very many, or very deep stacks, some. Empty also if the threads could not be stopped, or are not watched. Takes the engine's lock.
std::vector<EntryId> active_functions(Engine &engine);

/// Thread and newest function of some activation, as a text for people; empty: there is none on any stack. Takes the
/// engine's lock. The error says why the threads could not be stopped.
llvm::Expected<std::string> describe_some_activation(Engine &engine);

} // namespace osr
