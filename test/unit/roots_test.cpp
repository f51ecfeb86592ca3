// Check that a collector finds, and may move, whatever compiled code holds: in all tiers, derived, inlined, in several threads.
#include "copying_heap.h"
#include "grow_fixture.h"

#include <array>
#include <atomic>
#include <csetjmp>
#include <mutex>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

Runtime *collected = nullptr; ///< the runtime of the test
CopyingHeap *heap = nullptr;
bool objects_move = true;
constexpr std::chrono::seconds patience(60); ///< the machine may be busy

/// Collects at each allocation. What it returns is no root before it has returned: it is allocated when others may not collect
/// any more.
void *allocate(std::uint64_t references, std::uint64_t words) {
  SafepointOptions how;
  how.objects_move = objects_move;
  how.limit = patience;
  cantFail(collected->at_safepoint(
      [&](Safepoint &safepoint) { objects_move ? heap->collect(safepoint) : heap->look_at(safepoint); }, how));
  return heap->allocate(std::uint32_t(references), std::uint32_t(words));
}

Runtime::Options options_with(Tier tier, bool automatic = false) {
  Runtime::Options options;
  options.tier = tier;
  options.reference_spaces = {1};
  options.host_symbols = {{"allocate", reinterpret_cast<std::uint64_t>(&allocate)}};
  if (automatic)
    options.tier_up = {std::make_shared<const CountingPolicy>(10), /*compile_threads=*/0};
  return options;
}

/// Nodes: next, value.
const char *lists = R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  define internal ptr addrspace(1) @node(ptr addrspace(1) %next, i64 %value) {
    %new = call ptr addrspace(1) @allocate(i64 1, i64 2)
    %link = getelementptr i64, ptr addrspace(1) %new, i64 1
    store ptr addrspace(1) %next, ptr addrspace(1) %link
    %field = getelementptr i64, ptr addrspace(1) %new, i64 2
    store i64 %value, ptr addrspace(1) %field
    ret ptr addrspace(1) %new
  }
  define internal i64 @sum(ptr addrspace(1) %list) {
  entry:
    br label %loop
  loop:
    %at = phi ptr addrspace(1) [ %list, %entry ], [ %next, %more ]
    %sum = phi i64 [ 0, %entry ], [ %larger, %more ]
    %end = icmp eq ptr addrspace(1) %at, null
    br i1 %end, label %done, label %more
  more:
    %field = getelementptr i64, ptr addrspace(1) %at, i64 2
    %value = load i64, ptr addrspace(1) %field
    %larger = add i64 %sum, %value
    %garbage = call ptr addrspace(1) @node(ptr addrspace(1) null, i64 %value)
    %link = getelementptr i64, ptr addrspace(1) %at, i64 1
    %next = load ptr addrspace(1), ptr addrspace(1) %link
    br label %loop
  done:
    ret i64 %sum
  }
  define i64 @lists(i64 %n) {
  entry:
    br label %loop
  loop:
    %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]
    %list = phi ptr addrspace(1) [ null, %entry ], [ %longer, %loop ]
    %longer = call ptr addrspace(1) @node(ptr addrspace(1) %list, i64 %i)
    %i.next = add i64 %i, 1
    %again = icmp ult i64 %i.next, %n
    br i1 %again, label %loop, label %done
  done:
    %first = call i64 @sum(ptr addrspace(1) %longer)
    %second = call i64 @sum(ptr addrspace(1) %longer)
    %both = add i64 %first, %second
    ret i64 %both
  })";

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

/// A loop that calls nothing, and one that calls a function which returns at once.
const char *busy = R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  define i64 @spin(ptr %stop) {
  entry:
    %object = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    store i64 7, ptr addrspace(1) %field
    br label %loop
  loop:
    %now = load atomic i64, ptr %stop monotonic, align 8
    %go.on = icmp eq i64 %now, 0
    br i1 %go.on, label %loop, label %done
  done:
    %x = load i64, ptr addrspace(1) %field
    ret i64 %x
  }
  define internal i64 @fib(i64 %n, ptr addrspace(1) %object) noinline {
    %small = icmp ult i64 %n, 2
    br i1 %small, label %leaf, label %more
  leaf:
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    %one = load i64, ptr addrspace(1) %field
    ret i64 %one
  more:
    %a = sub i64 %n, 1
    %b = sub i64 %n, 2
    %x = call i64 @fib(i64 %a, ptr addrspace(1) %object)
    %y = call i64 @fib(i64 %b, ptr addrspace(1) %object)
    %z = add i64 %x, %y
    ret i64 %z
  }
  define i64 @recursion(i64 %n) {
    %object = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    store i64 1, ptr addrspace(1) %field
    %x = call i64 @fib(i64 %n, ptr addrspace(1) %object)
    ret i64 %x
  })";

std::uint64_t fibonacci(std::uint64_t n) { return n < 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2); }

TEST_CASE("Threads that run come to a safepoint soon, whatever they do") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  objects_move = true;
  CopyingHeap space;
  heap = &space;
  auto runtime = runtime_with({busy, lists}, options_with(tier));
  collected = runtime.get();
  std::atomic<std::uint64_t> stop = 0;
  std::vector<std::thread> threads;
  std::atomic<unsigned> right = 0;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&] { right += call(*runtime, "spin", reinterpret_cast<std::uint64_t>(&stop)) == 7; });
  threads.emplace_back([&] { right += call(*runtime, "recursion", 18) == fibonacci(18); });
  threads.emplace_back([&] { right += call(*runtime, "lists", 40) == 2 * 39 * 40 / 2; });
  while (space.collections < 150) { // the list makes 120; these come from a thread that is not the program's
    SafepointOptions patient;
    patient.limit = patience;
    cantFail(runtime->at_safepoint([&](Safepoint &safepoint) { heap->collect(safepoint); }, patient));
  }
  stop = 1;
  for (std::thread &thread : threads)
    thread.join();
  CHECK(right == 4);
}

TEST_CASE("A thread that comes to no safepoint is named, unless it says that it is away") {
  static std::atomic<bool> is_away, may_return, is_there;
  Runtime::Options options = options_with(Tier::Baseline);
  options.host_symbols.emplace_back("wait", reinterpret_cast<std::uint64_t>(+[] {
                                      std::optional<AwayFromProgram> away;
                                      if (is_away)
                                        away.emplace();
                                      is_there = true;
                                      is_there.notify_all();
                                      may_return.wait(false);
                                    }));
  auto runtime =
      runtime_with({"declare void @wait()\ndefine void @waits() { call void @wait()\n ret void }"}, std::move(options));
  for (const bool away : {false, true}) {
    is_away = away;
    may_return = is_there = false;
    std::thread thread([&] { call(*runtime, "waits"); });
    is_there.wait(false);
    bool worked = false;
    SafepointOptions impatient;
    impatient.limit = std::chrono::milliseconds(20);
    const std::string message = toString(runtime->at_safepoint([&](Safepoint &) { worked = true; }, impatient));
    CHECK(worked == away);
    if (!away)
      CHECK_THAT(message, Contains("no safepoint") && Contains("away"));
    may_return = true;
    may_return.notify_all();
    thread.join();
  }
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

TEST_CASE("An exception does not land where objects were before they moved, whatever is requested meanwhile") {
  static bool requests;
  objects_move = true;
  CopyingHeap space;
  heap = &space;
  Runtime::Options options = options_with(Tier::Optimized);
  options.host_symbols.emplace_back("throws", reinterpret_cast<std::uint64_t>(+[] {
                                      allocate(0, 1);
                                      if (requests)
                                        cantFail(collected->replace("f", {.to = Tier::Optimized}));
                                      throw 1;
                                    }));
  auto runtime = runtime_with({R"(
    declare void @throws()
    declare i32 @__gxx_personality_v0(...)
    declare ptr @__cxa_begin_catch(ptr)
    declare void @__cxa_end_catch()
    declare ptr addrspace(1) @allocate(i64, i64)
    define i64 @f(i64 %x) personality ptr @__gxx_personality_v0 {
      %object = call ptr addrspace(1) @allocate(i64 0, i64 1)
      %field = getelementptr i64, ptr addrspace(1) %object, i64 1
      store i64 %x, ptr addrspace(1) %field
      invoke void @throws() to label %never unwind label %pad
    never:
      ret i64 0
    pad:
      %thrown = landingpad { ptr, i32 } catch ptr null
      %exception = extractvalue { ptr, i32 } %thrown, 0
      %caught = call ptr @__cxa_begin_catch(ptr %exception)
      call void @__cxa_end_catch()
      %y = load i64, ptr addrspace(1) %field
      ret i64 %y
    })"},
                              std::move(options));
  collected = runtime.get();
  for (const bool with_request : {false, true, true}) {
    requests = with_request;
    CHECK(call(*runtime, "f", 41) == 41);
  }
  CHECK(space.collections == 6);
}

TEST_CASE("A host that leaves the program by longjmp may call it again, and collect") {
  static jmp_buf back;
  static bool leaves;
  objects_move = true;
  CopyingHeap space;
  heap = &space;
  Runtime::Options options = options_with(Tier::Optimized);
  options.host_symbols.emplace_back("leave", reinterpret_cast<std::uint64_t>(+[] {
                                      if (leaves)
                                        longjmp(back, 1);
                                    }));
  auto runtime = runtime_with({"declare void @leave()\ndefine i64 @in(i64 %n) { call void @leave()\n "
                               "%x = call i64 @lists(i64 %n)\n ret i64 %x }\ndeclare i64 @lists(i64)",
                               lists},
                              std::move(options));
  collected = runtime.get();
  auto attached = cantFail(ThreadAttachment::attach());
  const std::uint64_t in = cantFail(runtime->lookup("in"));
  static volatile unsigned left = 0;
  leaves = true;
  if (setjmp(back) != 0)
    left = left + 1;
  if (left < 100)
    attached.call(in, 10);
  leaves = false;
  CHECK(left == 100);
  CHECK(call(*runtime, "in", 20) == 19 * 20);
  CHECK(cantFail(runtime->replace("in", {.to = Tier::Baseline})).refused.empty());
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
  const std::array others = {+[](std::uint64_t n, std::uint64_t list) {
                               return cantFail(ThreadAttachment::attach()).call(functions[1], n, list);
                             },
                             +[](std::uint64_t n, std::uint64_t list) {
                               return cantFail(ThreadAttachment::attach()).call(functions[0], n, list);
                             }};
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
