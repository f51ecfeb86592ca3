// Check that objects are where frames look for them when frames are left by exceptions and longjmp.
#include "collected_runtime.h"

#include <csetjmp>

using namespace llvm;

namespace osr {
namespace {

/// Makes an object, and looks at it when something was thrown.
const char *catches = R"(
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
    })";

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
  auto runtime = runtime_with({catches}, std::move(options));
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

} // namespace
} // namespace osr
