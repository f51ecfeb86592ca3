// The arena under the linker: protections, packing, freeing, forks.
#include "runtime/code/slab_arena.h"
#include "runtime/process/mappings.h"
#include "test/unit/code_test.h"
#include "test/unit/tiny_object.h"

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace osr;
using namespace osr::test;
using Catch::Matchers::Contains;

namespace {

struct Mapping {
  Extent range;
  std::string protection;
};

std::vector<Mapping> mappings() {
  std::ifstream file("/proc/self/maps");
  std::vector<Mapping> all;
  for (std::string line; std::getline(file, line);) {
    Mapping mapping;
    char protection[5] = {};
    REQUIRE(std::sscanf(line.c_str(), "%lx-%lx %4s", &mapping.range.begin, &mapping.range.end, protection) == 3);
    mapping.protection = protection;
    all.push_back(mapping);
  }
  return all;
}

std::string protection_at(std::uint64_t address) {
  for (const Mapping &mapping : mappings())
    if (mapping.range.contains(address))
      return mapping.protection;
  return "none";
}

/// Pages of a range that are in memory.
std::size_t resident_pages(const char *begin, std::uint64_t size) {
  std::vector<unsigned char> state((size + 4095) / 4096);
  REQUIRE(::mincore(const_cast<char *>(begin), size, state.data()) == 0);
  return std::size_t(std::count_if(state.begin(), state.end(), [](unsigned char page) { return page & 1; }));
}

bool is_valgrind = false; ///< whose mremap leaves no mapping in place

void put_return_value(const CodeMemory &code, std::uint32_t value) {
  const unsigned char mov_ret[] = {0xb8, 0, 0, 0, 0, 0xc3};
  std::memcpy(code.writable, mov_ret, sizeof mov_ret);
  std::memcpy(code.writable + 1, &value, sizeof value);
}

} // namespace

extern "C" void *mremap(void *from, std::size_t size, std::size_t new_size, int flags, ...) noexcept {
  if (is_valgrind && size == 0) {
    errno = EINVAL;
    return MAP_FAILED;
  }
  va_list more;
  va_start(more, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(more, void *) : nullptr;
  va_end(more);
  return reinterpret_cast<void *>(syscall(SYS_mremap, from, size, new_size, flags, to));
}

TEST_CASE("no page is ever writable and executable") {
  Session session;
  value_of(session->link(compile_object(R"(
    @data = global i32 1
    @text = constant [4 x i8] c"abc\00"
    declare i32 @getpid()
    define i32 @f() { %r = call i32 @getpid() ret i32 %r }
  )")));
  for (const Mapping &mapping : mappings())
    CHECK_FALSE((mapping.protection[1] == 'w' && mapping.protection[2] == 'x'));
  CHECK(protection_at(value_of(session->lookup("f"))) == "r-xs");
  CHECK(protection_at(value_of(session->lookup("text"))) == "r--s");
  CHECK(protection_at(value_of(session->lookup("data"))) == "rw-p");
  CHECK(protection_at(reinterpret_cast<std::uint64_t>(session.arena->writable(value_of(session->lookup("f"))))) ==
        "rw-s");
}

TEST_CASE("everything lies within reach of a 32-bit displacement, and linking adds no mapping") {
  Session session;
  const auto lowest = session.arena->range(SlabKind::Code).begin;
  CHECK(session.arena->range(SlabKind::Data).end - lowest <= std::uint64_t(2) << 30);
  CHECK(session.arena->range(SlabKind::Code).end == session.arena->range(SlabKind::ReadOnly).begin);
  value_of(session->link(compile_object("define void @warm() { ret void }")));
  const std::size_t before = mappings().size();
  for (int i = 0; i != 50; ++i)
    value_of(session->link(compile_object("define void @f" + std::to_string(i) + "() { ret void }")));
  CHECK(mappings().size() <= before + 2); // malloc may add its own
}

TEST_CASE("sizes that cannot be had are refused") {
  CHECK_THAT(error_of(SlabArena::create({std::uint64_t(1) << 31, 4096, 4096})), Contains("at most 2048 MiB"));
  CHECK_THAT(error_of(SlabArena::create({0, 4096, 4096})), Contains("code slab"));
  CHECK_THAT(error_of(SlabArena::create({4096, ~std::uint64_t(0), 4096})), Contains("read-only data slab"));
}

TEST_CASE("an alignment that no address has is refused") {
  const auto arena = value_of(SlabArena::create({4096, 4096, 4096}));
  CHECK_THAT(error_of(arena->allocate(SlabKind::Data, 8, std::uint64_t(1) << 32)), Contains("multiple of 4294967296"));
}

TEST_CASE("a full slab says so") {
  const auto arena = value_of(SlabArena::create({8192, 4096, 4096}));
  CHECK_THAT(error_of(arena->allocate_code(8193)), Contains("code slab has 8192 bytes"));
  const CodeMemory most = value_of(arena->allocate_code(8000));
  CHECK_THAT(error_of(arena->allocate_code(4096)), Contains("code slab is full") && Contains("192 of 8192"));
  arena->release(most);
  arena->release(value_of(arena->allocate_code(8192)));
}

TEST_CASE("random allocations never overlap, are aligned and zero, and all comes back") {
  const auto arena = value_of(SlabArena::create({1 << 20, 1 << 20, 1 << 20}));
  std::mt19937 random(3);
  for (SlabKind kind : {SlabKind::Code, SlabKind::ReadOnly, SlabKind::Data}) {
    std::map<std::uint64_t, SlabMemory> live;
    std::size_t refused = 0;
    for (int round = 0; round != 20000; ++round) {
      if (!live.empty() && random() % 9 < 4) {
        const auto victim = std::next(live.begin(), std::ptrdiff_t(random() % live.size()));
        arena->release(victim->second);
        live.erase(victim);
        continue;
      }
      const std::uint64_t align = std::uint64_t(1) << random() % 8;
      auto memory = arena->allocate(kind, random() % 32 == 0 ? random() % 40000 : random() % 300, align);
      if (!memory) {
        llvm::consumeError(memory.takeError());
        ++refused;
        continue;
      }
      REQUIRE(memory->address % align == 0);
      REQUIRE(arena->writable(memory->address) == memory->writable);
      const auto next = live.lower_bound(memory->address);
      REQUIRE((next == live.end() || memory->address + memory->size <= next->first));
      REQUIRE((next == live.begin() || std::prev(next)->first + std::prev(next)->second.size <= memory->address));
      if (kind != SlabKind::Code)
        REQUIRE(std::all_of(memory->writable, memory->writable + memory->size, [](char byte) { return byte == 0; }));
      std::memset(memory->writable, 0x5a, memory->size);
      REQUIRE(*reinterpret_cast<const char *>(memory->address) == 0x5a);
      live.emplace(memory->address, *memory);
    }
    for (const auto &[address, memory] : live)
      arena->release(memory);
    CHECK(arena->used_bytes(kind) == 0);
    CHECK(refused > 0); // the slab was full now and then
    arena->release(value_of(arena->allocate(kind, 1 << 20)));
  }
}

TEST_CASE("freed code traps, and pages that are free go back to the kernel") {
  const auto arena = value_of(SlabArena::create());
  const CodeMemory first = value_of(arena->allocate_code(100));
  const CodeMemory second = value_of(arena->allocate_code(64));
  std::memset(second.writable, 0x90, second.size);
  arena->release(second);
  CHECK(*reinterpret_cast<const unsigned char *>(second.address) == 0xcc);
  arena->release(first);
  for (SlabKind kind : {SlabKind::Code, SlabKind::ReadOnly, SlabKind::Data}) {
    std::vector<SlabMemory> parts;
    for (int i = 0; i != 1000; ++i) {
      parts.push_back(value_of(arena->allocate(kind, 1600)));
      std::memset(parts.back().writable, 1, parts.back().size);
    }
    const std::uint64_t size = 1000 * 1600;
    CHECK(resident_pages(parts.front().writable, size) >= size / 4096);
    for (const SlabMemory &part : parts)
      arena->release(part);
    CHECK(resident_pages(parts.front().writable, size) <= 1);
  }
}

TEST_CASE("threads allocate and free at the same time") {
  const auto arena = value_of(SlabArena::create());
  std::atomic<int> wrong = 0;
  const auto work = [&](unsigned char mark) {
    std::mt19937 random(mark);
    std::vector<CodeMemory> mine;
    for (int i = 0; i != 5000; ++i) {
      auto code = arena->allocate_code(16 + random() % 500);
      if (!code) {
        llvm::consumeError(code.takeError());
        ++wrong;
        return;
      }
      std::memset(code->writable, mark, code->size);
      mine.push_back(*code);
      if (random() % 2 == 0) {
        std::swap(mine[random() % mine.size()], mine.back());
        wrong += !std::all_of(mine.back().writable, mine.back().writable + mine.back().size,
                              [&](char byte) { return byte == char(mark); });
        arena->release(mine.back());
        mine.pop_back();
      }
    }
    for (const CodeMemory &code : mine)
      arena->release(code);
  };
  std::thread first(work, 1), second(work, 2);
  work(3);
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(arena->used_bytes(SlabKind::Code) == 0);
}

TEST_CASE("after a fork neither process sees the other's code or data") {
  const auto arena = value_of(SlabArena::create());
  const CodeMemory code = value_of(arena->allocate_code(16));
  const SlabMemory data = value_of(arena->allocate(SlabKind::Data, 8));
  put_return_value(code, 1);
  *data.writable = 1;
  int to_child[2], to_parent[2];
  REQUIRE((::pipe(to_child) == 0 && ::pipe(to_parent) == 0));
  const auto call = [&] { return function_at<int()>(code.address)(); };
  char token = 0;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Status bits say what went wrong.
    int status = call() == 1 && *data.writable == 1 ? 0 : 1;
    put_return_value(code, 2);
    *data.writable = 2;
    status |= call() == 2 ? 0 : 2;
    [[maybe_unused]] bool ok = ::write(to_parent[1], "x", 1) == 1 && ::read(to_child[0], &token, 1) == 1;
    status |= call() == 2 && *data.writable == 2 ? 0 : 4; // the parent has overwritten and freed its own by now
    auto more = arena->allocate_code(1 << 20);
    status |= more ? 0 : 8;
    ::_exit(status);
  }
  REQUIRE(::read(to_parent[0], &token, 1) == 1);
  CHECK(call() == 1);
  CHECK(*data.writable == 1);
  put_return_value(code, 3);
  arena->release(code);
  REQUIRE(::write(to_child[1], "x", 1) == 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  for (int end : {to_child[0], to_child[1], to_parent[0], to_parent[1]})
    ::close(end);
}

TEST_CASE("a mapping that is writable and executable is counted") {
  const MappingCount before = count_mappings();
  CHECK(before.total > 0);
  CHECK(before.writable_and_executable == 0);
  void *page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  CHECK(count_mappings().writable_and_executable == 1);
  ::munmap(page, 4096);
}

TEST_CASE("an arena has two views where mremap makes none, and keeps no file open") {
  const int next = ::dup(0);
  ::close(next);
  is_valgrind = true;
  auto arena = SlabArena::create();
  is_valgrind = false;
  const std::unique_ptr<SlabArena> slabs = value_of(std::move(arena));
  CHECK(::dup(0) == next);
  ::close(next);
  const CodeMemory code = value_of(slabs->allocate_code(16));
  const unsigned char trap_and_return[] = {0xcc, 0xc3};
  std::memcpy(code.writable, trap_and_return, sizeof trap_and_return);
  CHECK(std::memcmp(reinterpret_cast<const void *>(code.address), trap_and_return, sizeof trap_and_return) == 0);
  slabs->release(code);
}
