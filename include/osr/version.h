// Which version of the library this is.
//
// Before 1.0 each minor version may change the interface; a patch version changes neither sources nor binaries that use it.
#pragma once

#define OSR_VERSION_MAJOR 0
#define OSR_VERSION_MINOR 1
#define OSR_VERSION_PATCH 0
#define OSR_VERSION "0.1.0"
