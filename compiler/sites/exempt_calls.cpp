#include "compiler/sites/exempt_calls.h"

#include <llvm/ADT/StringSet.h>

namespace osr {

bool is_exempt_callee(llvm::StringRef name) {
  static const auto &leaves = *new llvm::StringSet<>{
                                                      // never destroyed: threads compile while the process ends
      // memory and strings
      "memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr", "mempcpy", "memccpy", "bcmp", "strlen", "strnlen",
      "strcpy", "strncpy", "stpcpy", "stpncpy", "strcat", "strncat", "strcmp", "strncmp", "strcasecmp", "strncasecmp",
      "strchr", "strrchr", "strchrnul", "strstr", "strspn", "strcspn", "strpbrk", "__memcpy_chk", "__memmove_chk",
      "__memset_chk", "__strcpy_chk", "__strcat_chk", "__strncpy_chk",
      // characters and numbers
      "isalpha", "isdigit", "isalnum", "isspace", "isupper", "islower", "ispunct", "isprint", "isxdigit", "iscntrl",
      "toupper", "tolower", "toascii", "isascii", "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc",
      "__errno_location", "abs", "labs", "llabs", "div", "ldiv", "lldiv", "ffs", "ffsl", "ffsll", "atoi", "atol",
      "atoll", "atof", "strtol", "strtoul", "strtoll", "strtoull", "strtod", "strtof", "rand", "srand",
      // exceptions: what neither throws nor waits
      "__cxa_allocate_exception", "__cxa_free_exception", "__cxa_begin_catch", "__cxa_get_exception_ptr",
      // mathematics
      "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
      "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "logb", "pow", "sqrt", "cbrt", "hypot", "fabs",
      "floor", "ceil", "round", "trunc", "rint", "nearbyint", "lround", "llround", "lrint", "llrint", "fmod",
      "remainder", "fmin", "fmax", "fdim", "fma", "ldexp", "frexp", "modf", "scalbn", "scalbln", "copysign", "erf",
      "erfc", "tgamma", "lgamma", "sinf", "cosf", "tanf", "asinf", "acosf", "atanf", "atan2f", "sinhf", "coshf",
      "tanhf", "expf", "exp2f", "expm1f", "logf", "log2f", "log10f", "log1pf", "powf", "sqrtf", "cbrtf", "hypotf",
      "fabsf", "floorf", "ceilf", "roundf", "truncf", "rintf", "nearbyintf", "lroundf", "fmodf", "fminf", "fmaxf",
      "fmaf", "ldexpf", "frexpf", "modff", "scalbnf", "copysignf", "sinl", "cosl", "tanl", "expl", "logl", "powl",
      "sqrtl", "fabsl", "floorl", "ceill", "fmodl", "fminl", "fmaxl", "ldexpl", "frexpl", "copysignl", "sincos",
      "sincosf", "cabs", "cabsf", "cexp", "clog", "csqrt", "cpow"};
  return leaves.contains(name);
}

} // namespace osr
