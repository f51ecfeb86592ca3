// Check that a collector finds, and may move, whatever compiled code holds: in all tiers, derived, inlined, in several threads.
#include "collected_runtime.h"

#include <array>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// An array is filled through a pointer that runs through it, with an allocation each time; two of them take turns.
const char *arrays = R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  define i64 @arrays(i64 %n) {
  entry:
    %a = call ptr addrspace(1) @allocate(i64 0, i64 100)
    %b = call ptr addrspace(1) @allocate(i64 0, i64 100)
    %a.begin = getelementptr i64, ptr addrspace(1) %a, i64 1
    %b.begin = getelementptr i64, ptr addrspace(1) %b, i64 1
    br label %fill
  fill:
    %i = phi i64 [ 0, %entry ], [ %i.next, %fill ]
    %at = phi ptr addrspace(1) [ %a.begin, %entry ], [ %other.next, %fill ]
    %other = phi ptr addrspace(1) [ %b.begin, %entry ], [ %at.next, %fill ]
    %garbage = call ptr addrspace(1) @allocate(i64 0, i64 1)
    store i64 %i, ptr addrspace(1) %at
    store i64 %i, ptr addrspace(1) %other
    %odd = and i64 %i, 1
    %is.odd = icmp ne i64 %odd, 0
    %chosen = select i1 %is.odd, ptr addrspace(1) %at, ptr addrspace(1) %other
    %more = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %old = load i64, ptr addrspace(1) %chosen
    %doubled = add i64 %old, %i
    store i64 %doubled, ptr addrspace(1) %chosen
    %at.next = getelementptr i64, ptr addrspace(1) %at, i64 1
    %other.next = getelementptr i64, ptr addrspace(1) %other, i64 1
    %i.next = add i64 %i, 1
    %again = icmp ult i64 %i.next, %n
    br i1 %again, label %fill, label %sum
  sum:
    %j = phi i64 [ 0, %fill ], [ %j.next, %sum ]
    %total = phi i64 [ 0, %fill ], [ %total.next, %sum ]
    %x.at = getelementptr i64, ptr addrspace(1) %a.begin, i64 %j
    %y.at = getelementptr i64, ptr addrspace(1) %b.begin, i64 %j
    %third = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %x = load i64, ptr addrspace(1) %x.at
    %y = load i64, ptr addrspace(1) %y.at
    %x.weighted = mul i64 %x, 3
    %xy = add i64 %x.weighted, %y
    %total.next = add i64 %total, %xy
    %j.next = add i64 %j, 1
    %on = icmp ult i64 %j.next, %n
    br i1 %on, label %sum, label %done
  done:
    ret i64 %total.next
  })";

std::uint64_t sum_of_arrays(std::uint64_t n) {
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    // In an odd round %at is chosen; it runs through a in even rounds and through b in odd ones, as they change places.
    const bool at_is_a = i % 2 == 0;
    const bool a_is_chosen = (i % 2 == 1) == at_is_a;
    total += 3 * (i + (a_is_chosen ? i : 0)) + i + (a_is_chosen ? 0 : i);
  }
  return total;
}

TEST_CASE("What moves at each allocation is found in every tier") {
  const auto [tier, automatic] =
      GENERATE(std::pair(Tier::Baseline, false), std::pair(Tier::Optimized, false), std::pair(Tier::Baseline, true));
  objects_move = GENERATE(true, false);
  CopyingHeap space;
  heap = &space;
  auto runtime = runtime_with({lists, arrays}, options_with(tier, automatic));
  collected = runtime.get();
  CHECK(call(*runtime, "lists", 100) == 2 * 99 * 100 / 2);
  CHECK(space.collections >= 300);
  CHECK(space.roots > space.collections);
  const std::uint64_t derived_before = space.derived;
  CHECK(call(*runtime, "arrays", 90) == sum_of_arrays(90));
  CHECK(space.derived > derived_before + 4 * 90);
}

TEST_CASE("What would hide a reference is refused by name") {
  auto runtime = runtime_with({}, options_with(Tier::Optimized));
  const auto refusal = [&](const char *text) { return toString(runtime->add(module_of(text)).takeError()); };
  CHECK_THAT(refusal(R"(
    declare void @use(ptr)
    define void @local(ptr addrspace(1) %x) {
      %object = alloca ptr addrspace(1)
      store ptr addrspace(1) %x, ptr %object
      call void @use(ptr %object)
      ret void
    })"),
             Contains("'local'") && Contains("local object"));
  CHECK_THAT(
      refusal("define <2 x ptr addrspace(1)> @two(<2 x ptr addrspace(1)> %x) {\n"
              "%y = shufflevector <2 x ptr addrspace(1)> %x, <2 x ptr addrspace(1)> %x, <2 x i32> <i32 1, i32 0>\n"
              "ret <2 x ptr addrspace(1)> %y }"),
      Contains("'two'") && Contains("vector"));
  CHECK_THAT(
      refusal(
          "declare void @llvm.va_start.p0(ptr)\ndefine ptr addrspace(1) @many(ptr addrspace(1) %x, ptr %list, ...) {\n"
          "call void @llvm.va_start.p0(ptr %list)\nret ptr addrspace(1) %x }"),
      Contains("'many'") && Contains("records"));
  Runtime::Options options;
  options.reference_spaces = {256};
  runtime.reset();
  CHECK_THAT(toString(Runtime::create(std::move(options)).takeError()), Contains("256"));
}

/// Makes a node at each level, which the levels below, of another runtime, have too.
std::string linked_levels(const std::string &name) {
  return fmt::format(R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  declare i64 @other(i64, ptr addrspace(1))
  define i64 @{0}(i64 %n, ptr addrspace(1) %older) {{
    %new = call ptr addrspace(1) @allocate(i64 1, i64 2)
    %link = getelementptr i64, ptr addrspace(1) %new, i64 1
    store ptr addrspace(1) %older, ptr addrspace(1) %link
    %field = getelementptr i64, ptr addrspace(1) %new, i64 2
    store i64 %n, ptr addrspace(1) %field
    %stop = icmp eq i64 %n, 0
    br i1 %stop, label %end, label %more
  end:
    ret i64 0
  more:
    %less = sub i64 %n, 1
    %rest = call i64 @other(i64 %less, ptr addrspace(1) %new)
    %own = load i64, ptr addrspace(1) %field
    %back = load ptr addrspace(1), ptr addrspace(1) %link
    %none = icmp eq ptr addrspace(1) %back, null
    %all = add i64 %rest, %own
    br i1 %none, label %first, label %inner
  first:
    ret i64 %all
  inner:
    %next.field = getelementptr i64, ptr addrspace(1) %back, i64 2
    %next.value = load i64, ptr addrspace(1) %next.field
    %sum = add i64 %all, %next.value
    ret i64 %sum
  }})",
                     name);
}

std::uint64_t in_thread(std::uint64_t function, std::uint64_t first, std::uint64_t second) {
  return cantFail(ThreadAttachment::attach()).call(function, first, second);
}

TEST_CASE("Two runtimes whose functions call each other share a heap, and one collection moves the objects of both") {
  static std::array<std::unique_ptr<Runtime>, 2> both;
  static std::array<std::uint64_t, 2> functions;
  static CopyingHeap *shared = nullptr;
  CopyingHeap objects;
  shared = &objects;
  const auto allocate_in_both = +[](std::uint64_t references, std::uint64_t words) {
    const SafepointOptions how{.objects_move = true, .limit = patience};
    cantFail(both[0]->at_safepoint(
        [&](Safepoint &left) {
          cantFail(both[1]->at_safepoint([&](Safepoint &right) { shared->collect({&left, &right}); }, how));
        },
        how));
    return shared->allocate(std::uint32_t(references), std::uint32_t(words));
  };
  const std::array others = {+[](std::uint64_t n, std::uint64_t list) { return in_thread(functions[1], n, list); },
                             +[](std::uint64_t n, std::uint64_t list) { return in_thread(functions[0], n, list); }};
  const std::array names = {"left", "right"};
  for (const Tier tier : {Tier::Baseline, Tier::Optimized}) {
    for (unsigned i = 0; i < 2; ++i) {
      Runtime::Options options;
      options.tier = tier;
      options.reference_spaces = {1};
      options.host_symbols = {{"allocate", reinterpret_cast<std::uint64_t>(allocate_in_both)},
                              {"other", reinterpret_cast<std::uint64_t>(others[i])}};
      both[i] = runtime_with({linked_levels(names[i])}, std::move(options));
      functions[i] = cantFail(both[i]->lookup(names[i]));
    }
    auto thread = cantFail(ThreadAttachment::attach());
    for (unsigned i = 0; i < 2; ++i) // n + ... + 1, and each number but the smallest once more from below
      CHECK(thread.call(functions[i], 12) == 12 * 13 / 2 + (12 * 13 / 2 - 1));
    for (auto &runtime : both)
      cantFail(Runtime::close(runtime));
  }
  CHECK(objects.collections == 4 * 13);
  CHECK(objects.roots > 4 * 13 * 6);
}

} // namespace
} // namespace osr
