// Direct calls: where they are, that all of them follow a redirect, and that nothing else does.
#include "runtime/code/call_sites.h"
#include "test/unit/code_test.h"
#include "test/unit/tiny_object.h"

#include <cstring>

using namespace osr;
using namespace osr::test;

namespace {

/// Calls of @callee in every shape: call, tail jump, conditional jump; and two uses of its address.
constexpr const char *caller_ir = R"(
  declare i32 @callee(i32)
  declare i32 @other(i32)
  define i32 @twice(i32 %n) {
    %a = call i32 @callee(i32 %n)
    %b = call i32 @callee(i32 %a)
    ret i32 %b
  }
  define i32 @tail(i32 %n) {
    %m = add i32 %n, 1000
    %r = tail call i32 @callee(i32 %m)
    ret i32 %r
  }
  define i32 @calls_other(i32 %n) {
    %a = call i32 @other(i32 %n)
    %b = add i32 %a, 1
    ret i32 %b
  }
  define ptr @address() { ret ptr @callee }
  @in_data = global ptr @callee
  module asm ".text"
  module asm ".globl conditional"
  module asm ".type conditional, @function"
  module asm "conditional:"
  module asm "  testl %edi, %edi"
  module asm "  jne callee"
  module asm "  movl $-1, %eax"
  module asm "  ret"
)";

/// Entries for @callee (0) and @other (1), whose hook thunks lead to nothing; and a caller of both.
struct Calls {
  Session session;
  std::unique_ptr<EntryTable> entries = value_of(EntryTable::create(*session.arena));
  CallSites sites{*entries, CodePatcher(*session.arena)};
  LinkedObject caller;

  Calls() {
    check_success(entries->reserve(2));
    check_success(session->define_symbols(
        {{"callee", entries->entry_address(EntryId(0))}, {"other", entries->entry_address(EntryId(1))}}));
    session->add_observer(sites);
  }
  void link_caller() { caller = value_of(session->link(compile_object(caller_ir))); }

  /// `lea value(%rdi), %eax; ret`
  std::uint64_t make_adder(std::uint32_t value) const {
    const CodeMemory code = value_of(session.arena->allocate_code(16));
    const unsigned char lea_ret[] = {0x8d, 0x87, 0, 0, 0, 0, 0xc3};
    std::memcpy(code.writable, lea_ret, sizeof lea_ret);
    std::memcpy(code.writable + 2, &value, sizeof value);
    return code.address;
  }
  /// As a new version of a function would be installed for slot calls, without the sites.
  void set_code(FunctionId function, std::uint64_t pc) {
    entries->set_target(EntryId(function), pc);
    sites.redirect(EntryId(function), pc);
  }
  template <typename Result = int, typename... Arguments> Result run(const char *name, Arguments... arguments) const {
    return function_at<Result(Arguments...)>(caller.find_function(name)->address)(arguments...);
  }
};

} // namespace

TEST_CASE("direct calls are found, go through the entry at first, and all follow a redirect") {
  Calls calls;
  calls.link_caller();
  CHECK(calls.sites.size() == 5); // two calls, a jump, a conditional jump; one call of another function
  CHECK(calls.sites.bound() == 0);
  calls.entries->set_target(EntryId(0), calls.make_adder(1));
  calls.entries->set_target(EntryId(1), calls.make_adder(50));
  CHECK(calls.run("twice", 0) == 2); // through the entry

  for (const std::uint32_t step : {2, 30, 400}) {
    calls.sites.redirect(EntryId(0),
                         calls.make_adder(step)); // the entry still leads to the first code: who comes there shows it
    CHECK(calls.sites.has_pending());
    calls.sites.update();
    CHECK_FALSE(calls.sites.has_pending());
    CHECK(calls.sites.bound() == 4);
    CHECK(calls.run("twice", 0) == int(2 * step));
    CHECK(calls.run("tail", 0) == int(1000 + step));
    CHECK(calls.run("conditional", 7) == int(7 + step));
    CHECK(calls.run("conditional", 0) == -1);
    CHECK(calls.run("calls_other", 0) == 51);
  }
  CHECK(calls.sites.rewritten() == 12);
  calls.sites.release(EntryId(0));
  calls.sites.update();
  CHECK(calls.sites.bound() == 0);
  CHECK(calls.run("twice", 0) == 2);
}

TEST_CASE("the address of a function stays its entry when its calls are direct") {
  Calls calls;
  calls.link_caller();
  calls.set_code(0, calls.make_adder(1));
  calls.sites.update();
  const std::uint64_t entry = calls.entries->entry_address(EntryId(0));
  CHECK(reinterpret_cast<std::uint64_t>(calls.run<void *>("address")) == entry);
  CHECK(*reinterpret_cast<std::uint64_t *>(value_of(calls.session->lookup("in_data"))) == entry);
  CHECK(function_at<int(int)>(entry)(5) == 6);
}

TEST_CASE("sites of an object that is linked later lead to the current code from the start") {
  Calls calls;
  calls.set_code(0, calls.make_adder(3));
  calls.sites.update();
  calls.entries->set_target(EntryId(0), calls.make_adder(9)); // only the entry: the sites must not go there
  calls.link_caller();
  CHECK(calls.sites.bound() == 4);
  CHECK(calls.run("twice", 0) == 6);
  CHECK(calls.sites.rewritten() == 0);
}

TEST_CASE("a target that is pending is entered by nobody before the update") {
  Calls calls;
  calls.set_code(0, calls.make_adder(3));
  calls.sites.update();
  calls.entries->set_target(EntryId(0), calls.make_adder(1));
  calls.sites.redirect(EntryId(0), calls.make_adder(100));
  calls.link_caller();
  CHECK(calls.run("twice", 0) == 2); // by the entry
  calls.sites.redirect(EntryId(0), calls.make_adder(20)); // another thought
  calls.sites.update();
  CHECK(calls.run("twice", 0) == 40);
}

TEST_CASE("sites of an unloaded object are forgotten") {
  Calls calls;
  calls.link_caller();
  check_success(calls.session->unload(calls.caller));
  CHECK(calls.sites.size() == 0);
  calls.sites.redirect(EntryId(0), calls.make_adder(1));
  calls.sites.update(); // would write into freed memory
  CHECK(calls.sites.rewritten() == 0);
  const LinkedObject again = value_of(calls.session->link(compile_object(caller_ir)));
  CHECK(calls.sites.size() == 5);
  CHECK(calls.sites.bound() == 4);
}
