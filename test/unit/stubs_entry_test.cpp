// Check the crossings that are not transitions: result pads, the entry hook, the way into a program, object stacks.
#include "osr-stubs/enter_program.h"
#include "osr-stubs/entry_hook.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/result_area.h"
#include "osr-stubs/thread_state.h"
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

struct PadResult {
  std::uint64_t rax, rdx, rcx;
  std::uint64_t callee_saved[6];
  std::uint8_t vector[4][64];
};

} // namespace

extern "C" {
/// Calls a pad with known callee-saved registers and stores what it left (stubs_entry.S).
void osr_test_call_pad(std::uint64_t pad, void *buffer, std::uint64_t offset, PadResult *result);
/// The hooked call: loads every argument register from `in`, calls `pc`, stores rax to `out` (stubs_entry.S).
std::uint64_t osr_test_hooked_call(std::uint64_t pc, const EntryFrame *in);
/// A hook thunk for function 77, and a function that stores its argument registers to osr_test_arguments.
void osr_test_hook_thunk();
void osr_test_store_arguments();
/// Of XSAVE, as the processor sees it (XINUSE).
std::uint64_t osr_test_components_in_use();
extern EntryFrame osr_test_arguments;
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

std::uint64_t handler(EntryFrame *frame) {
  seen_frame = *frame;
  seen_cfas = walk();
  std::memset(frame->callee_saved, 0xee, sizeof frame->callee_saved); // must not matter
  return reinterpret_cast<std::uint64_t>(&osr_test_store_arguments);
}

/// Whether the processor tells.
bool shows_components_in_use() {
  std::uint32_t a, b, c, d;
  return vector_register_bytes() > 16 && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4);
}

constexpr std::uint64_t upper_halves = 1 << 2 | 1 << 6; // of ymm and of zmm

class HandlerScope {
public:
  explicit HandlerScope(std::uint64_t (*function)(EntryFrame *)) : previous_(osr_entry_hook_handler) {
    osr_entry_hook_handler = function;
  }
  ~HandlerScope() { osr_entry_hook_handler = previous_; }

private:
  std::uint64_t (*previous_)(EntryFrame *);
};

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
  CHECK(std::string(result_pad({true, 0, 0}).symbol) == "osr_result_pad_general");
  CHECK(std::string(result_pad({false, 32, 0}).symbol) == "osr_result_pad_vector32");
  CHECK(std::string(result_pad({true, 0, 2}).symbol) == "osr_result_pad_x87_2");
  CHECK(result_area_size({true, 0, 0}) == 32);
  CHECK(result_area_size({false, 0, 1}) == 64);
  CHECK(result_area_size({true, 16, 0}) == 320);
}

TEST_CASE("the entry hook shows and keeps every argument register", "[stubs][hook]") {
  HandlerScope scope(handler);
  EntryFrame in = {};
  auto *bytes = reinterpret_cast<std::uint8_t *>(&in);
  for (std::size_t index = 0; index < sizeof in; ++index)
    bytes[index] = std::uint8_t(index * 11 + 3);
  const std::uint32_t width = vector_register_bytes();
  const std::vector<std::uint64_t> cfas_here = walk();

  CHECK(osr_test_hooked_call(reinterpret_cast<std::uint64_t>(&osr_test_hook_thunk), &in) == in.rax);
  CHECK(seen_frame.function == 77);
  // From inside the handler a walk comes through the hook to this function's callers, and to nothing else.
  const std::size_t older = cfas_here.size() - 2;
  REQUIRE(seen_cfas.size() > older);
  CHECK(std::equal(cfas_here.end() - std::ptrdiff_t(older), cfas_here.end(), seen_cfas.end() - std::ptrdiff_t(older)));
  CHECK(std::count(seen_cfas.begin(), seen_cfas.end(), seen_frame.return_pc_slot + 8) == 1);
  CHECK(std::memcmp(&seen_frame.rdi, &in.rdi, 8 * 8) == 0);
  CHECK(std::memcmp(seen_frame.callee_saved, in.callee_saved, sizeof in.callee_saved) == 0);
  CHECK(std::memcmp(&osr_test_arguments.rdi, &in.rdi, 8 * 8) == 0);
  CHECK(std::memcmp(osr_test_arguments.callee_saved, in.callee_saved, sizeof in.callee_saved) == 0);
  CHECK(osr_test_arguments.return_pc_slot == seen_frame.return_pc_slot);
  for (unsigned index = 0; index < 8; ++index) {
    CHECK(std::memcmp(seen_frame.vector[index], in.vector[index], width) == 0);
    CHECK(std::memcmp(osr_test_arguments.vector[index], in.vector[index], width) == 0);
  }
}

TEST_CASE("the entry hook does not leave upper halves in use that hold nothing", "[stubs][hook]") {
  if (!shows_components_in_use()) {
    WARN("not checked: this processor does not tell what is in use");
    return;
  }
  HandlerScope scope([](EntryFrame *) { return reinterpret_cast<std::uint64_t>(&osr_test_components_in_use); });
  const auto thunk = reinterpret_cast<std::uint64_t>(&osr_test_hook_thunk);
  EntryFrame in = {};
  for (auto &vector : in.vector)
    std::memset(vector, 0xff, 16);
  CHECK((osr_test_hooked_call(thunk, &in) & upper_halves) == 0);
  for (std::size_t byte = 16; byte < vector_register_bytes(); byte += 8) {
    in.vector[3][byte] = 1;
    CHECK((osr_test_hooked_call(thunk, &in) & upper_halves) != 0);
    in.vector[3][byte] = 0;
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
