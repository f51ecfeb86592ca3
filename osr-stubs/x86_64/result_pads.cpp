#include "osr-stubs/result_area.h"

#include "compiler/base/check.h"
#include "osr-stubs/x86_64/stub_offsets.h"

#include <cstring>

// One pad for each vector width (0 = general registers only) and each number of x87 values.
// clang-format off
#define OSR_FOR_EACH_PAD(X) \
  X(general, 0, 0) \
  X(x87_1, 0, 1) \
  X(x87_2, 0, 2) \
  X(vector16, 16, 0) \
  X(vector16_x87_1, 16, 1) \
  X(vector16_x87_2, 16, 2) \
  X(vector32, 32, 0) \
  X(vector32_x87_1, 32, 1) \
  X(vector32_x87_2, 32, 2) \
  X(vector64, 64, 0) \
  X(vector64_x87_1, 64, 1) \
  X(vector64_x87_2, 64, 2)
// clang-format on

extern "C" {
#define OSR_DECLARE_PAD(name, vector_bytes, x87) void osr_result_pad_##name();
OSR_FOR_EACH_PAD(OSR_DECLARE_PAD)
#undef OSR_DECLARE_PAD
}

namespace osr {

std::uint32_t result_area_size(const ResultRegisters &registers) {
  if (registers.vector_bytes != 0)
    return OSR_RESULT_SIZE;
  if (registers.stacked_floats != 0)
    return OSR_RESULT_VECTOR;
  return registers.general ? OSR_RESULT_ST0 : 0;
}

ResultPad result_pad(const ResultRegisters &registers) {
  if (registers == ResultRegisters{})
    return {};
#define OSR_TRY_PAD(name, width, count)                                                                                \
  if (registers.vector_bytes == width && registers.stacked_floats == count)                                            \
    return {"osr-result-pad-" #name, reinterpret_cast<std::uint64_t>(&osr_result_pad_##name)};
  OSR_FOR_EACH_PAD(OSR_TRY_PAD)
#undef OSR_TRY_PAD
  check_failed(__FILE__, __LINE__, "known result registers",
               fmt::format("no result pad for {} vector bytes and {} x87 values", registers.vector_bytes,
                           registers.stacked_floats));
}

std::vector<ResultPad> result_pads() {
  std::vector<ResultPad> pads;
  for (std::uint8_t vector_bytes : {0, 16, 32, 64})
    for (std::uint8_t x87 : {0, 1, 2})
      pads.push_back(result_pad({.general = true, .vector_bytes = vector_bytes, .stacked_floats = x87}));
  return pads;
}

bool takes_word(const ResultRegisters &registers) {
  return registers.stacked_floats == 0 && registers.vector_bytes <= 16;
}

void put_result(char *area, const ResultRegisters &registers, std::uint64_t result) {
  if (registers.general)
    std::memcpy(area + OSR_RESULT_RAX, &result, sizeof(result));
  if (registers.vector_bytes)
    std::memcpy(area + OSR_RESULT_VECTOR, &result, sizeof(result));
}

} // namespace osr
