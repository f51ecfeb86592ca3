// Linking real objects.
#include "runtime/stackmap/parser.h"
#include "test/unit/code_test.h"
#include "test/unit/tiny_object.h"

#include <algorithm>
#include <unistd.h>

using namespace osr;
using namespace osr::test;
using Catch::Matchers::Contains;

TEST_CASE("an object is linked, runs, and is unloaded") {
  Session session;
  LinkedObject object = value_of(session->link(compile_object(R"(
    @counter = global i32 40
    define i32 @bump(i32 %by) {
      %old = load i32, ptr @counter
      %new = add i32 %old, %by
      store i32 %new, ptr @counter
      ret i32 %new
    }
    define internal i32 @local() noinline { ret i32 5 }
    define i32 @uses_local() { %r = call i32 @local() ret i32 %r }
  )")));
  REQUIRE(object.functions.size() == 3);
  const LinkedFunction *bump = object.find_function("bump");
  REQUIRE(bump != nullptr);
  CHECK(function_at<int(int)>(bump->address)(2) == 42);
  CHECK(*reinterpret_cast<int *>(value_of(session->lookup("counter"))) == 42);
  CHECK(value_of(session->lookup("bump")) == bump->address);
  CHECK(function_at<int()>(object.find_function("uses_local")->address)() == 5);
  CHECK(object.find_function("local") != nullptr);
  CHECK(object.find_function("absent") == nullptr);
  for (const LinkedFunction &function : object.functions) {
    CHECK(function.size > 0);
    CHECK(object.code.begin <= function.address);
    CHECK(function.address + function.size <= object.code.end);
  }
  CHECK(object.eh_frame.size() > 0);
  CHECK(session.arena->range(SlabKind::ReadOnly).contains(object.eh_frame.begin));
  CHECK(session.arena->contains_code(object.code.begin));

  check_success(session->unload(object));
  CHECK(object.tracker == nullptr);
  for (SlabKind kind : {SlabKind::Code, SlabKind::ReadOnly, SlabKind::Data})
    CHECK(session.arena->used_bytes(kind) == 0);
  CHECK_THAT(error_of(session->lookup("bump")), Contains("'bump'"));
}

TEST_CASE("objects refer to each other, and to the process through the linker's stubs") {
  Session session;
  value_of(session->link(compile_object("define i32 @base() { ret i32 7 }")));
  const LinkedObject object = value_of(session->link(compile_object(R"(
    declare i32 @base()
    declare i32 @getpid()
    define i32 @twice() { %a = call i32 @base() %b = add i32 %a, %a ret i32 %b }
    define i32 @pid() { %p = call i32 @getpid() ret i32 %p }
  )")));
  CHECK(function_at<int()>(object.find_function("twice")->address)() == 14);
  CHECK(function_at<int()>(object.find_function("pid")->address)() == ::getpid());
  REQUIRE(object.linker_stubs.size() > 0);
  CHECK(object.code.begin <= object.linker_stubs.begin);
  CHECK(object.linker_stubs.end <= object.code.end);
}

TEST_CASE("references within the arena are direct: no linker stub, no GOT entry") {
  Session session;
  const char *base_ir = "define i32 @base() { ret i32 7 } @number = global i32 9";
  LinkedObject base = value_of(session->link(compile_object(base_ir)));
  const auto read_only = session.arena->used_bytes(SlabKind::ReadOnly);
  const char *ir = R"(
    declare i32 @base() #0
    @number = external global i32
    define i32 @use() {
      %a = call i32 @base()
      %n = load i32, ptr @number
      %s = add i32 %a, %n
      ret i32 %s
    }
    define ptr @pointer() { ret ptr @base }
  )";
  for (const std::string attributes : {"nounwind", "nonlazybind"}) { // nonlazybind: call *slot(%rip)
    LinkedObject object = value_of(session->link(compile_object(ir + ("attributes #0 = { " + attributes + " }"))));
    CHECK(function_at<int()>(object.find_function("use")->address)() == 16);
    CHECK(function_at<std::uint64_t()>(object.find_function("pointer")->address)() == base.functions[0].address);
    CHECK(object.linker_stubs.size() == 0);
    CHECK(session.arena->used_bytes(SlabKind::ReadOnly) - read_only == object.eh_frame.size() + 4);
    check_success(session->unload(object));
  }
  // A name that has gone may come back from outside, out of reach.
  check_success(session->unload(base));
  static const auto far = +[]() { return 70; };
  static int far_number = 90;
  check_success(session->define_symbols(
      {{"base", reinterpret_cast<std::uint64_t>(far)}, {"number", reinterpret_cast<std::uint64_t>(&far_number)}}));
  const LinkedObject object = value_of(session->link(compile_object(ir + std::string("attributes #0 = { nounwind }"))));
  CHECK(function_at<int()>(object.find_function("use")->address)() == 160);
}

TEST_CASE("stack maps are captured with final addresses and take no target memory") {
  const char *ir = R"(
    declare void @llvm.experimental.stackmap(i64, i32, ...)
    define i64 @f(i64 %a) {
      call void (i64, i32, ...) @llvm.experimental.stackmap(i64 5, i32 0, i64 %a, i64 81985529216486895)
      ret i64 %a
    }
  )";
  Session session;
  for (Visibility visibility : {Visibility::Exported, Visibility::Private}) {
    const LinkedObject object = value_of(session->link(compile_object(ir), visibility));
    const RawStackMap map = value_of(parse_stack_map(object.stack_map));
    REQUIRE(map.functions.size() == 1);
    CHECK(map.functions[0].address == object.find_function("f")->address);
    REQUIRE(map.records.size() == 1);
    CHECK(map.records[0].id == 5);
    REQUIRE(object.eh_frame.size() > 0);
  }
}

TEST_CASE("observers see each object come and go, and may refuse it") {
  struct Observer final : LinkObserver {
    std::vector<std::string> events;
    bool refuse = false;
    llvm::Error on_link(const LinkedObject &object) override {
      events.push_back("link " + object.name);
      return refuse ? llvm::createStringError("refused") : llvm::Error::success();
    }
    void on_unload(const LinkedObject &object) override { events.push_back("unload " + object.name); }
  } first, second;
  Session session;
  session->add_observer(first);
  session->add_observer(second);
  LinkedObject object = value_of(session->link(compile_object("define void @a() { ret void }", "a.o")));
  check_success(session->unload(object));
  CHECK(first.events == std::vector<std::string>{"link a.o", "unload a.o"});
  second.refuse = true;
  CHECK_THAT(error_of(session->link(compile_object("define void @b() { ret void }", "b.o"))), Contains("refused"));
  CHECK(first.events == std::vector<std::string>{"link a.o", "unload a.o", "link b.o", "unload b.o"});
  CHECK(second.events.back() == "link b.o");
  CHECK(session.arena->used_bytes(SlabKind::Code) == 0);
}

TEST_CASE("an object that a full arena cannot take is refused, and later ones still link") {
  const auto arena = value_of(SlabArena::create({1 << 16, 1 << 16, 1 << 16}));
  const auto session = value_of(CodeSession::create(*arena));
  CHECK_THAT(error_of(session->link(compile_object("@big = global [100000 x i8] zeroinitializer", "big.o"))),
             Contains("big.o") && Contains("data slab"));
  CHECK(arena->used_bytes(SlabKind::Data) == 0);
  value_of(session->link(compile_object("@small = global [100 x i8] zeroinitializer")));
  CHECK(value_of(session->lookup("small")) != 0);
}

TEST_CASE("a section that is writable and executable is refused") {
  Session session;
  CHECK_THAT(error_of(session->link(compile_object(R"(
    module asm ".section .bad,\22awx\22,@progbits"
    module asm ".globl bad"
    module asm "bad: ret"
  )"))),
             Contains(".bad is writable and executable"));
}

TEST_CASE("alignment above a page and an object without definitions") {
  Session session;
  value_of(session->link(compile_object("@aligned = global i32 3, align 65536")));
  const auto address = value_of(session->lookup("aligned"));
  CHECK(address % 65536 == 0);
  CHECK(*reinterpret_cast<int *>(address) == 3);
  LinkedObject nothing = value_of(session->link(compile_object("")));
  CHECK(nothing.code.size() == 0);
  check_success(session->unload(nothing));
}
