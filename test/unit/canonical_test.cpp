#include "test/support/catch_header.h"
