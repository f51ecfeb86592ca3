// Pages of memory.
#pragma once

// page_size: what mappings begin and end at. Small addresses within one are none.
#include "runtime/machine/x86_64/page_size.h"
