// Entries and the code registry.
#include "test/unit/code_test.h"
#include "osr-stubs/machine.h"
#include "runtime/code/code_registry.h"
#include "runtime/code/entry_table.h"
#include "runtime/machine/instructions.h"
#include "test/unit/tiny_object.h"

#include <array>
#include <cstring>
#include <thread>

using namespace osr;
using namespace osr::test;
using Catch::Matchers::Contains;

namespace {

/// `mov $value, %eax; ret`
CodeMemory make_function(SlabArena &arena, std::uint32_t value) {
  const CodeMemory code = value_of(arena.allocate_code(16));
  const unsigned char mov_ret[] = {0xb8, 0, 0, 0, 0, 0xc3};
  std::memcpy(code.writable, mov_ret, sizeof mov_ret);
  std::memcpy(code.writable + 1, &value, sizeof value);
  return code;
}

/// `mov -16(%rsp), %eax; add %edi, %eax; ret`: returns the first argument plus the id that the hook thunk passes.
CodeMemory make_hook(SlabArena &arena) {
  const CodeMemory code = value_of(arena.allocate_code(16));
  const unsigned char add_id[] = {0x8b, 0x44, 0x24, 0xf0, 0x01, 0xf8, 0xc3};
  std::memcpy(code.writable, add_id, sizeof add_id);
  return code;
}

std::unique_ptr<CodeObject> make_object(CodeObjectId id, std::uint64_t begin, std::uint64_t size,
                                        llvm::ArrayRef<std::uint32_t> return_pcs = {}) {
  auto object = std::make_unique<CodeObject>();
  object->id = id;
  object->function = id;
  object->code_begin = begin;
  object->code_size = size;
  object->entry_pc = begin;
  std::vector<SiteRecord> records;
  for (std::uint32_t pc : return_pcs)
    records.push_back({pc, true, {{{id, pc}, {}}}});
  object->sites = SiteTable::build(records);
  return object;
}

thread_local std::uint8_t is_chosen = 0;

/// An entry thunk is the same instruction.
void check_linker_stub(std::uint64_t address, std::uint64_t slot) {
  std::array<char, thunk_size> thunk{};
  write_entry_thunk(thunk.data(), address, slot);
  std::array<std::uint8_t, linker_stub_size> stub{};
  std::memcpy(stub.data(), thunk.data(), stub.size());
  CHECK(slot_of_linker_stub(stub, address) == slot);
  stub[0] ^= 1;
  CHECK(slot_of_linker_stub(stub, address) == std::nullopt);
}

} // namespace

TEST_CASE("a choice is made by a byte of the thread that comes") {
  const auto arena = value_of(SlabArena::create());
  const CodeMemory set = make_function(*arena, 1), clear = make_function(*arena, 2);
  const CodeMemory choice = value_of(arena->allocate_code(choice_size));
  const auto offset = std::int64_t(reinterpret_cast<std::intptr_t>(&is_chosen)) - thread_pointer();
  write_choice(choice.writable, std::int32_t(offset), set.address, clear.address);
  auto *const run = function_at<int()>(choice.address);
  CHECK(run() == 2);
  for (const std::uint8_t byte : {1, 128, 255}) {
    is_chosen = byte;
    CHECK(run() == 1);
    int elsewhere = 0;
    std::thread([&] { elsewhere = run(); }).join();
    CHECK(elsewhere == 2);
  }
  is_chosen = 0;
  CHECK(run() == 2);
}

TEST_CASE("a linker's stub tells through which word it goes") {
  check_linker_stub(0x10000, 0x18000);
  check_linker_stub(0x18000, 0x10000);
  check_linker_stub(0x7f0000001234, 0x7f0000001234);
  CHECK(slot_of_linker_stub({}, 0x10000) == std::nullopt);
}

TEST_CASE("the hash of a function's type stands in front of its entry, and disturbs no other") {
  const auto arena = value_of(SlabArena::create());
  const auto entries = value_of(EntryTable::create(*arena));
  check_success(entries->reserve(EntryTable::batch_size + 2));
  const std::vector<FunctionId> ids = {0, 1, 2, EntryTable::batch_size - 1, EntryTable::batch_size};
  for (const FunctionId id : ids)
    entries->set_type_hash(EntryId(id), 0x01020304 * (id + 1));
  entries->set_hook(make_hook(*arena).address, nullptr);
  for (const FunctionId id : ids) {
    std::uint32_t hash = 0;
    std::memcpy(&hash, reinterpret_cast<const void *>(entries->entry_address(EntryId(id)) - sizeof hash), sizeof hash);
    CHECK(hash == 0x01020304 * (id + 1));
    CHECK(function_at<int(int)>(entries->entry_address(EntryId(id)))(5) == int(5 + id));
  }
}

TEST_CASE("entries lead to the hook until a target is set, and follow every change") {
  const auto arena = value_of(SlabArena::create());
  const auto entries = value_of(EntryTable::create(*arena));
  check_success(entries->reserve(1000));
  CHECK(entries->size() == 1000);
  entries->set_hook(make_hook(*arena).address, nullptr);
  for (FunctionId id : {0u, 1u, 255u, 256u, 999u}) {
    const auto call = function_at<int(int)>(entries->entry_address(EntryId(id)));
    CHECK(entries->target(EntryId(id)) == entries->hook_address(EntryId(id)));
    CHECK(call(100000) == 100000 + int(id));
    const CodeMemory one = make_function(*arena, 1), two = make_function(*arena, 2);
    entries->set_target(EntryId(id), one.address);
    CHECK(entries->target(EntryId(id)) == one.address);
    CHECK(call(0) == 1);
    entries->set_target(EntryId(id), two.address);
    CHECK(call(0) == 2);
    entries->set_target(EntryId(id), entries->hook_address(EntryId(id)));
    CHECK(call(7) == 7 + int(id));
    CHECK(entries->find_entry(entries->entry_address(EntryId(id))) == EntryId(id));
    CHECK_FALSE(entries->find_entry(entries->entry_address(EntryId(id)) + 1));
    CHECK_FALSE(entries->find_entry(entries->hook_address(EntryId(id))));
    CHECK(entries->contains(entries->entry_address(EntryId(id)) + 6));
    CHECK(entries->contains(entries->hook_address(EntryId(id))));
    CHECK_FALSE(entries->contains(one.address));
  }
  CHECK_FALSE(entries->find_entry(0));
}

TEST_CASE("tables that share a hook say there whose functions are called") {
  const auto arena = value_of(SlabArena::create());
  const CodeMemory hook = value_of(arena->allocate_code(16));
  const unsigned char context[] = {0x48, 0x8b, 0x44, 0x24, 0xe8, 0xc3}; // mov -24(%rsp), %rax; ret
  std::memcpy(hook.writable, context, sizeof context);
  const auto one = value_of(EntryTable::create(*arena)), other = value_of(EntryTable::create(*arena));
  const int here = 0, there = 0;
  one->set_hook(hook.address, &here);
  other->set_hook(hook.address, &there);
  for (const auto &[table, expected] : {std::pair(one.get(), &here), std::pair(other.get(), &there)}) {
    check_success(table->reserve(EntryTable::batch_size + 1));
    for (FunctionId id : {0u, EntryTable::batch_size})
      CHECK(function_at<const int *()>(table->entry_address(EntryId(id)))() == expected);
  }
}

TEST_CASE("entries keep their addresses and targets when the table grows") {
  const auto arena = value_of(SlabArena::create());
  const auto entries = value_of(EntryTable::create(*arena));
  check_success(entries->reserve(1));
  const auto address = entries->entry_address(EntryId(0));
  entries->set_target(EntryId(0), make_function(*arena, 5).address);
  check_success(entries->reserve(5000));
  check_success(entries->reserve(10));
  CHECK(entries->size() == 5000);
  CHECK(entries->entry_address(EntryId(0)) == address);
  CHECK(function_at<int()>(address)() == 5);
  CHECK_THAT(llvm::toString(entries->reserve(EntryTable::max_functions + 1)),
             Contains("1048576 functions, 1048577 are wanted"));
}

TEST_CASE("a table that does not fit says so and gives its memory back") {
  const auto arena = value_of(SlabArena::create({16384, 4096, 4096}));
  {
    const auto entries = value_of(EntryTable::create(*arena));
    CHECK_THAT(llvm::toString(entries->reserve(2000)), Contains("slab is full"));
  }
  CHECK(arena->used_bytes(SlabKind::Code) == 0);
  CHECK(arena->used_bytes(SlabKind::Data) == 0);
}

TEST_CASE("program code calls through entries by name, without a linker stub") {
  Session session;
  const auto entries = value_of(EntryTable::create(*session.arena));
  check_success(entries->reserve(1));
  entries->set_target(EntryId(0), make_function(*session.arena, 31).address);
  check_success(session->define_symbols({{"callee", entries->entry_address(EntryId(0))}}));
  const LinkedObject object = value_of(session->link(compile_object(R"(
    declare i32 @callee()
    define i32 @caller() { %r = call i32 @callee() %s = add i32 %r, 1 ret i32 %s }
    define ptr @pointer() { ret ptr @callee }
  )")));
  CHECK(function_at<int()>(object.find_function("caller")->address)() == 32);
  CHECK(function_at<std::uint64_t()>(object.find_function("pointer")->address)() == entries->entry_address(EntryId(0)));
}

TEST_CASE("threads link, look up and unload at the same time") {
  Session session;
  std::atomic<int> wrong = 0;
  const auto work = [&](int thread) {
    for (int i = 0; i != 40; ++i) {
      const int value = thread * 1000 + i;
      const std::string name = "f" + std::to_string(value);
      const std::string body = "() { ret i32 " + std::to_string(value) + " }";
      auto object = session->link(compile_object("define i32 @" + name + body));
      auto address = session->lookup(name);
      if (!object || !address || function_at<int()>(*address)() != value)
        ++wrong;
      else if (i % 2 == 0)
        wrong += bool(session->unload(*object));
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread != 3; ++thread)
    threads.emplace_back(work, thread);
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("the registry finds objects by any of their PCs") {
  constexpr std::uint64_t base = 0x10000000;
  CodeRegistry registry({base, base + (1 << 24)});
  const auto small = make_object(1, base, 16);
  const auto neighbour = make_object(2, base + 16, 32);
  const auto across = make_object(3, base + 4080, 40);
  const auto large = make_object(4, base + 0x10010, 0x5000);
  const auto last = make_object(5, base + (1 << 24) - 16, 16);
  for (const auto *object : {&large, &small, &across, &neighbour, &last})
    registry.add(**object);
  CHECK(registry.size() == 5);
  const auto id_at = [&](std::uint64_t pc) {
    const CodeObject *object = registry.find(pc);
    return object == nullptr ? 0 : object->id;
  };
  for (std::uint64_t pc = base - 100; pc != base + 0x20000; ++pc) {
    CodeObjectId expected = 0;
    for (const auto *object : {&small, &neighbour, &across, &large})
      if ((*object)->contains(pc))
        expected = (*object)->id;
    REQUIRE(id_at(pc) == expected);
  }
  CHECK(id_at(base + (1 << 24) - 1) == 5);
  CHECK(id_at(base + (1 << 24)) == 0);
  CHECK(id_at(0) == 0);
  CHECK(id_at(~std::uint64_t(0)) == 0);
  CHECK(registry.objects() ==
        std::vector<const CodeObject *>{small.get(), neighbour.get(), across.get(), large.get(), last.get()});
  registry.remove(*large);
  registry.remove(*neighbour);
  CHECK(id_at(base + 0x12000) == 0);
  CHECK(id_at(base + 20) == 0);
  CHECK(id_at(base + 15) == 1);
  CHECK(registry.retired_bytes() > 0);
  registry.collect();
  CHECK(registry.retired_bytes() == 0);
  CHECK(id_at(base + 15) == 1);
}

TEST_CASE("return sites are found by exact return PC, also at the very end of an object") {
  constexpr std::uint64_t base = 0x10000000;
  CodeRegistry registry({base, base + (1 << 20)});
  const auto first = make_object(1, base, 32, {8, 32});
  const auto second = make_object(2, base + 32, 32, {5});
  registry.add(*first);
  registry.add(*second);
  for (std::uint64_t pc = base; pc != base + 100; ++pc) {
    const ReturnSite site = registry.find_return_site(pc);
    const bool in_first = pc == base + 8 || pc == base + 32, in_second = pc == base + 37;
    REQUIRE(bool(site) == (in_first || in_second));
    if (site) {
      CHECK(site.object == (in_first ? first.get() : second.get()));
      CHECK(site.site.summary().outermost.index == site.object->offset_of(pc));
    }
  }
}

TEST_CASE("readers find what is registered while objects come and go around it") {
  constexpr std::uint64_t base = 0x10000000;
  CodeRegistry registry({base, base + (1 << 16)});
  const auto stable = make_object(1, base + 4080, 64, {16});
  registry.add(*stable);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> wrong = 0, reads = 0;
  std::thread reader([&] {
    while (!stop) {
      wrong += registry.find(base + 4100) != stable.get();
      wrong += registry.find_return_site(base + 4096).object != stable.get();
      const CodeObject *other = registry.find(base + 8000);
      wrong += other != nullptr && !other->contains(base + 8000);
      ++reads;
    }
  });
  std::vector<std::unique_ptr<CodeObject>> objects;
  for (CodeObjectId i = 0; i < 2000 || reads < 1000; ++i) {
    objects.push_back(make_object(10 + i, base + 4992 + i % 20 * 16, 4000));
    registry.add(*objects.back());
    registry.remove(*objects.back());
  }
  stop = true;
  reader.join();
  CHECK(wrong == 0);
  registry.collect();
}

TEST_CASE("the state of a code object only moves forward") {
  CodeObject object;
  CHECK(object.state() == CodeState::NotInstalled);
  object.advance_to(CodeState::InUse);
  object.advance_to(CodeState::NotEntrant);
  object.advance_to(CodeState::Quiescent);
  object.advance_to(CodeState::Freed);
  CHECK(std::string(to_string(object.state())) == "freed");
}
