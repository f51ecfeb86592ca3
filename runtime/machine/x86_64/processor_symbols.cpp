#include "runtime/machine/processor_symbols.h"

extern "C" {
extern unsigned __cpu_model[4], __cpu_features2[3];
int __cpu_indicator_init(void);
}

namespace osr {

std::vector<std::pair<std::string, std::uint64_t>> processor_symbols() {
  const auto address = [](auto *pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
  return {{"__cpu_model", address(&__cpu_model)},
          {"__cpu_features2", address(&__cpu_features2)},
          {"__cpu_indicator_init", address(&__cpu_indicator_init)}};
}

} // namespace osr
