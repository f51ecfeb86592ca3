#include "runtime/code/process_symbols.h"

#include <cstdlib>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

extern "C" {
extern void *__dso_handle;      // names this program to __cxa_atexit
extern unsigned __cpu_model[4], __cpu_features2[3]; // what __builtin_cpu_supports reads
int __cpu_indicator_init(void);
}

namespace osr {

std::vector<std::pair<std::string, std::uint64_t>> missing_process_symbols() {
  const auto address = [](auto *pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
  const std::pair<const char *, std::uint64_t> candidates[] = {
      {"atexit", address(&::atexit)},
      {"at_quick_exit", address(&::at_quick_exit)},
      {"pthread_atfork", address(&::pthread_atfork)},
      {"stat", address(&::stat)},
      {"lstat", address(&::lstat)},
      {"fstat", address(&::fstat)},
      {"fstatat", address(&::fstatat)},
      {"mknod", address(&::mknod)},
      {"mknodat", address(&::mknodat)},
      {"__dso_handle", address(&__dso_handle)},
      {"__cpu_model", address(&__cpu_model)},
      {"__cpu_features2", address(&__cpu_features2)},
      {"__cpu_indicator_init", address(&__cpu_indicator_init)},
  };
  std::vector<std::pair<std::string, std::uint64_t>> missing;
  for (const auto &[name, value] : candidates)
    if (::dlsym(RTLD_DEFAULT, name) == nullptr)
      missing.emplace_back(name, value);
  return missing;
}

} // namespace osr
