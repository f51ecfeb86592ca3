// libFuzzer entry of the stack map parser: any bytes either parse or yield an error, and what parses obeys the
// parser's promises. Run: stackmap_fuzz -max_len=4096 test/fuzz/corpus/stackmap
#include "compiler/base/check.h"
#include "runtime/stackmap/parser.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  llvm::Expected<osr::RawStackMap> map = osr::parse_stack_map({data, size});
  if (!map) {
    llvm::consumeError(map.takeError());
    return 0;
  }
  std::uint64_t claimed = 0;
  for (const osr::RawFunction &function : map->functions)
    claimed += function.record_count;
  OSR_CHECK(claimed == map->records.size(), "functions claim {} records, there are {}", claimed, map->records.size());
  for (const osr::RawRecord &record : map->records)
    OSR_CHECK(record.function < map->functions.size(), "function {} of {}", record.function, map->functions.size());
  const std::string text = osr::to_string(*map);
  OSR_CHECK(text.size() >= map->records.size(), "text of {} bytes", text.size());
  return 0;
}
