// engine_lock, by the name that it has for what walks stacks.
#pragma once

#include "compiler/base/engine_lock.h"
