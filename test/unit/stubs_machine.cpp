#include "test/unit/stubs_machine.h"

#include "compiler/base/check.h"

#include <cerrno>
#include <cpuid.h>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void osr_test_return_into(const osr::test::Registers *start, int stepping);
void osr_test_recorder();
extern osr::test::Registers osr_test_landed;
}

namespace osr::test {

CodeMemory::CodeMemory(Place place) {
  const int file = memfd_create("stub code", MFD_CLOEXEC);
  OSR_CHECK(file >= 0 && ftruncate(file, capacity) == 0, "memfd: {}", std::strerror(errno));
  void *hint = nullptr;
  if (place == Place::NearTheProgram)
    hint = reinterpret_cast<void *>((recorder() & ~std::uint64_t(0xfff)) - (std::uint64_t(1) << 28));
  const int fixed = hint ? MAP_FIXED_NOREPLACE : 0;
  void *writable = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  void *executable = mmap(hint, capacity, PROT_READ | PROT_EXEC, MAP_SHARED | fixed, file, 0);
  OSR_CHECK(writable != MAP_FAILED && executable != MAP_FAILED, "mmap: {}", std::strerror(errno));
  close(file);
  writable_ = static_cast<std::uint8_t *>(writable);
  executable_ = static_cast<std::uint8_t *>(executable);
}

CodeMemory::~CodeMemory() {
  munmap(writable_, capacity);
  munmap(executable_, capacity);
}

std::uint64_t CodeMemory::put(const std::vector<std::uint8_t> &code) {
  OSR_CHECK(code.size() <= capacity, "{} bytes of code", code.size());
  std::memcpy(writable_, code.data(), code.size());
  // Code written through another address is only seen after a serialising instruction.
  unsigned a, b, c, d;
  __get_cpuid(0, &a, &b, &c, &d);
  return address();
}

FakeStack::FakeStack() {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OSR_CHECK(memory != MAP_FAILED, "mmap: {}", std::strerror(errno));
  memory_ = static_cast<std::uint8_t *>(memory);
}

FakeStack::~FakeStack() { munmap(memory_, bytes); }

Registers run_machine(const Registers &start, std::uint64_t entry, Stepping stepping) {
  std::memcpy(reinterpret_cast<void *>(start.rsp - 8), &entry, 8);
  osr_test_return_into(&start, stepping == Stepping::On);
  return osr_test_landed;
}

std::uint64_t recorder() { return reinterpret_cast<std::uint64_t>(&osr_test_recorder); }

} // namespace osr::test
