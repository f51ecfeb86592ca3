// Check the crossings that are not transitions: result pads, the entry hook, the way into a program, object stacks.
#include "osr-stubs/enter_program.h"
#include "osr-stubs/entry_hook.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/result_area.h"
#include "osr-stubs/thread_state.h"
#include "osr-stubs/x86_64/saved_state.h"
#include "test/support/catch_header.h"

#include <algorithm>
#include <cpuid.h>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <unwind.h>
#include <vector>

using namespace osr;

namespace {

/// All that a convention may pass, or have kept.
struct alignas(64) MachineRegisters {
  std::uint64_t general[9];      ///< rax, rcx, rdx, rsi, rdi, r8-11
  std::uint64_t callee_saved[6]; ///< rbx, rbp, r12-15
  std::uint64_t sp;
  std::uint8_t extended[4096];   ///< an XSAVE image
};

struct PadResult {
  std::uint64_t rax, rdx, rcx;
  std::uint64_t callee_saved[6];
  std::uint8_t vector[4][64];
};

} // namespace

extern "C" {
/// Calls a pad with known callee-saved registers and stores what it left (stubs_entry.S).
void osr_test_call_pad(std::uint64_t pad, void *buffer, std::uint64_t offset, PadResult *result);
/// Loads every register from `in`, calls `pc`, returns its rax (stubs_entry.S).
std::uint64_t osr_test_hooked_call(std::uint64_t pc, const MachineRegisters *in);
/// A hook thunk for function 77 of osr_test_hook, and a function that stores its registers to osr_test_registers.
void osr_test_hook_thunk();
void osr_test_store_registers();
extern MachineRegisters osr_test_registers;
EntryHook *osr_test_hook = nullptr;
}

namespace {

ResultArea counting_area() {
  ResultArea area;
  auto *bytes = reinterpret_cast<std::uint8_t *>(&area);
  for (std::size_t index = 0; index < sizeof area; ++index)
    bytes[index] = std::uint8_t(index * 7 + 1);
  const long double values[] = {1.25L, -3.5e100L};
  std::memcpy(area.x87[0], &values[0], 10);
  std::memcpy(area.x87[1], &values[1], 10);
  return area;
}

template <typename Pad> Pad *pad_function(const ResultRegisters &registers) {
  return reinterpret_cast<Pad *>(result_pad(registers).address);
}

EntryFrame seen_frame;
std::vector<std::uint64_t> seen_cfas;

_Unwind_Reason_Code add_cfa(_Unwind_Context *context, void *cfas) {
  static_cast<std::vector<std::uint64_t> *>(cfas)->push_back(_Unwind_GetCFA(context));
  return _URC_NO_REASON;
}

/// From this function to the thread's first.
[[gnu::noinline]] std::vector<std::uint64_t> walk() {
  std::vector<std::uint64_t> cfas;
  _Unwind_Backtrace(add_cfa, &cfas);
  return cfas;
}

/// What any C++ code may do.
void clobber_vectors() {
  asm volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm6, %%xmm6; pcmpeqd %%xmm9, %%xmm9; pcmpeqd %%xmm15, %%xmm15; "
               "fldz; fstp %%st(0)" ::
                   : "xmm0", "xmm6", "xmm9", "xmm15");
}

EntryHook *seen_hook = nullptr;

std::uint64_t handler(EntryHook &hook, EntryFrame &frame) {
  seen_hook = &hook;
  seen_frame = frame;
  seen_cfas = walk();
  clobber_vectors();
  return reinterpret_cast<std::uint64_t>(&osr_test_store_registers);
}

constexpr unsigned mxcsr_offset = 24, x87_control_offset = 0, components_offset = 512;

/// Bytes [begin, end) of an image.
struct Part {
  unsigned begin, end;
};

/// Where the registers of one component are.
Part part_of(unsigned component) {
  if (component == 0)
    return {32, 160}; // x87
  if (component == 1)
    return {160, 416}; // xmm
  std::uint32_t size, begin, c, d;
  __cpuid_count(0xd, component, size, begin, c, d);
  return {begin, begin + size};
}

/// All registers hold something else. Of the extended ones those whose components are in `in_use`, the rest is as after a
/// start.
MachineRegisters counting_registers(std::uint64_t in_use) {
  MachineRegisters registers = {};
  for (std::size_t index = 0; index < std::size(registers.general); ++index)
    registers.general[index] = 0x0101010101010101 * (index + 1) + 7;
  for (std::size_t index = 0; index < std::size(registers.callee_saved); ++index)
    registers.callee_saved[index] = 0x1111111111111111 * (index + 1);
  const std::uint16_t x87_control = 0x37f;
  const std::uint32_t mxcsr = 0x1f80 | 1 << 13; // rounds down
  std::memcpy(registers.extended + x87_control_offset, &x87_control, sizeof x87_control);
  std::memcpy(registers.extended + mxcsr_offset, &mxcsr, sizeof mxcsr);
  std::memcpy(registers.extended + components_offset, &in_use, sizeof in_use);
  for (unsigned component = 0; component < 32; ++component) {
    if (!(in_use >> component & 1))
      continue;
    const Part part = part_of(component);
    for (unsigned byte = part.begin; byte < part.end; ++byte)
      registers.extended[byte] = std::uint8_t(byte * 29 + component);
  }
  for (unsigned index = 0; index < 8; ++index) // ten bytes each
    std::memset(registers.extended + 32 + 16 * index + 10, 0, 6);
  registers.extended[4] = in_use & 1 ? 0xff : 0; // all eight are full
  return registers;
}

std::uint64_t components_in_use(const MachineRegisters &registers) {
  std::uint64_t in_use;
  std::memcpy(&in_use, registers.extended + components_offset, sizeof in_use);
  return in_use;
}

/// Whether the processor tells what is in use.
bool shows_components_in_use() {
  std::uint32_t a, b, c, d;
  return vector_register_bytes() > 16 && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4);
}

ProgramBase program_base;

int program_main(int argc, char **argv, char **envp) {
  std::uint64_t return_pc;
  std::memcpy(&return_pc, reinterpret_cast<void *>(program_base.cfa - 8), 8);
  if (return_pc != program_base.return_pc || program_base.cfa % 16 != 0)
    return -1;
  if (std::uint64_t(__builtin_frame_address(0)) >= program_base.cfa)
    return -2;
  if (argc < 0)
    throw std::runtime_error("out of the program");
  return argc + (argv[0][0] == 'p') + (envp == nullptr);
}

} // namespace

TEST_CASE("pads load general and vector results and keep callee-saved registers", "[stubs][pads]") {
  struct {
    std::uint8_t before[48];
    ResultArea area;
  } buffer = {{}, counting_area()};
  for (const std::uint32_t width : {0u, 16u, 32u, 64u}) {
    if (width > vector_register_bytes())
      continue;
    PadResult result = {};
    osr_test_call_pad(result_pad({true, std::uint8_t(width), 0}).address, &buffer, 48, &result);
    CHECK(result.rax == buffer.area.rax);
    CHECK(result.rdx == buffer.area.rdx);
    CHECK(result.rcx == buffer.area.rcx);
    for (unsigned index = 0; index < 4; ++index)
      CHECK(std::memcmp(result.vector[index], buffer.area.vector[index], width) == 0);
    for (unsigned index = 0; index < 6; ++index)
      CHECK(result.callee_saved[index] == 0x1111111111111111 * (index + 1));
  }
}

TEST_CASE("pads load x87 results", "[stubs][pads]") {
  const ResultArea area = counting_area();
  CHECK(pad_function<long double(const void *, std::int64_t)>({false, 0, 1})(&area, 0) == 1.25L);
  const auto both = pad_function<_Complex long double(const void *, std::int64_t)>({false, 0, 2})(&area, 0);
  CHECK(__real__ both == 1.25L);
  CHECK(__imag__ both == -3.5e100L);
  for (unsigned call = 0; call < 20; ++call) // an unbalanced x87 stack would overflow
    CHECK(pad_function<long double(const void *, std::int64_t)>({true, 16, 1})(&area, 0) == 1.25L);
}

TEST_CASE("every result has a pad and room", "[stubs][pads]") {
  CHECK(result_pad({}).symbol == nullptr);
  CHECK(result_area_size({}) == 0);
  CHECK(std::string(result_pad({true, 0, 0}).symbol) == "osr-result-pad-general");
  CHECK(std::string(result_pad({false, 32, 0}).symbol) == "osr-result-pad-vector32");
  CHECK(std::string(result_pad({true, 0, 2}).symbol) == "osr-result-pad-x87_2");
  CHECK(result_area_size({true, 0, 0}) == 32);
  CHECK(result_area_size({false, 0, 1}) == 64);
  CHECK(result_area_size({true, 16, 0}) == 320);
}

TEST_CASE("the entry hook keeps every register, and shows the general ones", "[stubs][hook]") {
  if (osr_extended_state_mask == 0) {
    WARN("not checked: this processor has no XSAVE");
    return;
  }
  EntryHook hook{handler};
  osr_test_hook = &hook;
  const std::vector<std::uint64_t> cfas_here = walk();
  for (const std::uint64_t in_use : {0x2u, 0x3u, 0x6u, 0x7u, osr_extended_state_mask}) {
    if (in_use & ~osr_extended_state_mask)
      continue;
    INFO("components " << in_use);
    const MachineRegisters in = counting_registers(in_use);
    CHECK(osr_test_hooked_call(reinterpret_cast<std::uint64_t>(&osr_test_hook_thunk), &in) == in.general[0]);
    CHECK(seen_frame.function == 77);
    CHECK(seen_hook == &hook);
    // From inside the handler a walk comes through the hook to this function's callers, and to nothing else.
    const std::size_t older = cfas_here.size() - 2;
    REQUIRE(seen_cfas.size() > older);
    CHECK(
        std::equal(cfas_here.end() - std::ptrdiff_t(older), cfas_here.end(), seen_cfas.end() - std::ptrdiff_t(older)));
    CHECK(std::count(seen_cfas.begin(), seen_cfas.end(), seen_frame.return_pc_slot + 8) == 1);
    CHECK(std::memcmp(&seen_frame.rax, in.general, sizeof in.general) == 0);
    CHECK(std::memcmp(seen_frame.callee_saved, in.callee_saved, sizeof in.callee_saved) == 0);

    const MachineRegisters &out = osr_test_registers;
    CHECK(out.sp == seen_frame.return_pc_slot);
    CHECK(std::memcmp(out.general, in.general, sizeof in.general) == 0);
    CHECK(std::memcmp(out.callee_saved, in.callee_saved, sizeof in.callee_saved) == 0);
    CHECK(std::memcmp(out.extended + mxcsr_offset, in.extended + mxcsr_offset, 4) == 0);
    for (unsigned component = 0; component < 32; ++component) {
      if (!(in_use >> component & 1))
        continue;
      INFO("component " << component);
      const Part part = part_of(component);
      CHECK(std::memcmp(out.extended + part.begin, in.extended + part.begin, part.end - part.begin) == 0);
    }
    // Upper halves that are taken into use make SSE code run at down to a third of its speed.
    if (shows_components_in_use())
      CHECK((components_in_use(out) & ~in_use & ~0x3u) == 0);
  }
}

TEST_CASE("a program is entered with its arguments and its base is known", "[stubs][program]") {
  char name[] = "p";
  char *argv[] = {name, nullptr};
  const auto main_pc = reinterpret_cast<std::uint64_t>(&program_main);
  const auto enter = [&](int argc) {
    return int(
        osr_enter_program(main_pc, std::uint32_t(argc), reinterpret_cast<std::uint64_t>(argv), 0, &program_base));
  };
  CHECK(enter(3) == 3 + 1 + 1);
  CHECK_THROWS_AS(enter(-1), std::runtime_error);
}

TEST_CASE("an object stack is installed per thread", "[stubs][object-stack]") {
  auto stack = ObjectStack::reserve(100000);
  REQUIRE(bool(stack));
  char *const before = osr_object_stack_top;
  stack->install();
  CHECK(osr_object_stack_top == stack->base());
  CHECK(stack->base() - stack->limit() >= 100000);
  stack->limit()[0] = 1; // the lowest byte is usable
  stack->base()[-1] = 1;
  char *other = nullptr;
  std::int64_t other_offset = 0;
  std::thread([&] {
    other = osr_object_stack_top;
    other_offset = object_stack_tls_offset();
  }).join();
  CHECK(other == nullptr);
  CHECK(other_offset == object_stack_tls_offset());
  std::uint64_t top;
  asm("mov %%fs:(%1), %0" : "=r"(top) : "r"(object_stack_tls_offset()));
  CHECK(top == reinterpret_cast<std::uint64_t>(stack->base()));
  stack->uninstall();
  CHECK(osr_object_stack_top == before);
}

TEST_CASE("an object stack that does not fit is an error with a remedy", "[stubs][object-stack]") {
  auto stack = ObjectStack::reserve(std::size_t(1) << 60);
  REQUIRE(!stack);
  const std::string text = llvm::toString(stack.takeError());
  CHECK(text.find("ulimit -v") != std::string::npos);
}
