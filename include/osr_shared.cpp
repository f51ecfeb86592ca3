// What makes a shared library of archives that were made for executables: Debian's libasmjit.a expects `stderr` to be in the same
// file, as the linker has it for executables by a copy. So references to it mean this one (--wrap).
#include <cstdio>

extern "C" {
extern std::FILE *__real_stderr;
extern std::FILE *__wrap_stderr;
std::FILE *__wrap_stderr = __real_stderr;
}
