// Names across linked objects, the process and its libraries.
#include "runtime/code/library_thread_locals.h"
#include "test/unit/code_test.h"
#include "test/unit/tiny_object.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace osr;
using namespace osr::test;
using Catch::Matchers::Contains;

TEST_CASE("native thread-local storage is refused, emulated works") {
  Session session;
  CHECK_THAT(error_of(session->link(compile_object(R"(
    @counter = thread_local global i32 5
    define i32 @get() { %v = load i32, ptr @counter ret i32 %v }
  )",
                                                   "tls.o"))),
             Contains("tls.o") && Contains("'counter'") && Contains("-femulated-tls"));
  CHECK(session.arena->used_bytes(SlabKind::Data) == 0);
  CHECK(value_of(session->lookup("__emutls_get_address")) != 0);
}

TEST_CASE("a library's thread-local variable is found in each thread through a control object") {
  Session session;
  auto *control = reinterpret_cast<ThreadLocalControl *>(value_of(session->lookup("__emutls_v._ZSt15__once_callable")));
  CHECK(thread_local_address(control) == &std::__once_callable);
  std::thread([&] { CHECK(thread_local_address(control) == &std::__once_callable); }).join();
  CHECK(value_of(session->lookup("__emutls_v._ZSt15__once_callable")) == reinterpret_cast<std::uint64_t>(control));
  CHECK_THAT(error_of(session->lookup("__emutls_v.puts")), Contains("__emutls_v.puts")); // there, but not thread-local

  static int initial = 7; // the program's own kind: made by the support library, in each thread
  ThreadLocalControl own{.size = 4, .alignment = 4, .initial_value = reinterpret_cast<std::uint64_t>(&initial)};
  int *mine = static_cast<int *>(thread_local_address(&own)), *other = nullptr;
  std::thread([&] { other = static_cast<int *>(thread_local_address(&own)); }).join();
  CHECK(*mine == 7);
  CHECK(other != mine);
}

TEST_CASE("all unresolved symbols are named, and nothing stays behind") {
  Session session;
  const std::string error = error_of(session->link(compile_object(R"(
    declare void @missing_one()
    declare void @missing_two()
    define void @caller() { call void @missing_one() call void @missing_two() ret void }
  )",
                                                                  "caller.o")));
  CHECK(error == "cannot link caller.o: unresolved symbols 'missing_one', 'missing_two' (no module has it, and "
                 "nothing that is loaded; hosts add a module, or give it by define, resolve or libraries, osrctl by "
                 "--load LIB.so)");
  CHECK(session.arena->used_bytes(SlabKind::Code) == 0);
  value_of(session->link(compile_object("define void @missing_one() { ret void }")));
  value_of(session->link(compile_object("define void @missing_two() { ret void }")));
  value_of(session->link(compile_object(
      "declare void @missing_one() define void @caller() { call void @missing_one() ret void }", "caller.o")));
}

TEST_CASE("a name that is defined twice, or no object at all, is an error") {
  Session session;
  value_of(session->link(compile_object("define i32 @same() { ret i32 1 }")));
  CHECK_THAT(error_of(session->link(compile_object("define i32 @same() { ret i32 2 }", "second.o"))),
             Contains("second.o") && Contains("same"));
  CHECK(function_at<int()>(value_of(session->lookup("same")))() == 1);
  CHECK_THAT(error_of(session->link(llvm::MemoryBuffer::getMemBuffer("no object", "junk.o"))), Contains("junk.o"));
  CHECK_THAT(error_of(session->link(llvm::MemoryBuffer::getMemBuffer("", "empty.o"))), Contains("empty.o"));
}

TEST_CASE("private objects may define the same names") {
  Session session;
  value_of(session->link(compile_object("define i32 @f() { ret i32 1 }")));
  const char *ir = R"(
    @f.count = global i32 0
    define i32 @f() { %o = load i32, ptr @f.count %n = add i32 %o, 10 store i32 %n, ptr @f.count ret i32 %n }
    define linkonce_odr i32 @g() { %r = call i32 @f() ret i32 %r }
  )";
  LinkedObject first = value_of(session->link(compile_object(ir), Visibility::Private));
  LinkedObject second = value_of(session->link(compile_object(ir), Visibility::Private));
  CHECK(function_at<int()>(first.find_function("g")->address)() == 10);
  CHECK(function_at<int()>(first.find_function("g")->address)() == 20);
  CHECK(function_at<int()>(second.find_function("f")->address)() == 10);
  CHECK(function_at<int()>(value_of(session->lookup("f")))() == 1);
  CHECK_THAT(error_of(session->lookup("g")), Contains("'g'"));
  check_success(session->unload(first));
  CHECK(function_at<int()>(second.find_function("g")->address)() == 20);
}

TEST_CASE("weak undefined symbols are null, COMMON and linkonce definitions are merged") {
  Session session;
  const char *ir = R"(
    @shared = common global i32 0
    declare extern_weak i32 @nowhere()
    @maybe = extern_weak global i32
    define i1 @is_null() { %c = icmp eq ptr @nowhere, null ret i1 %c }
    define ptr @address_of_maybe() { ret ptr @maybe }
    define linkonce_odr ptr @address_of_shared() noinline { ret ptr @shared }
    define i32 @call_if_there() {
      %c = icmp eq ptr @nowhere, null
      br i1 %c, label %no, label %yes
    yes:
      %r = call i32 @nowhere()
      ret i32 %r
    no:
      ret i32 -1
    }
  )";
  const LinkedObject first = value_of(session->link(compile_object(ir)));
  CHECK(function_at<bool()>(first.find_function("is_null")->address)());
  CHECK(function_at<void *()>(first.find_function("address_of_maybe")->address)() == nullptr);
  CHECK(function_at<int()>(first.find_function("call_if_there")->address)() == -1);
  const LinkedObject second = value_of(session->link(compile_object(R"(
    @shared = common global i32 0
    define linkonce_odr ptr @address_of_shared() noinline { ret ptr @shared }
    define ptr @also() { %r = call ptr @address_of_shared() ret ptr %r }
    define ptr @direct() { ret ptr @shared }
  )")));
  const auto shared = value_of(session->lookup("shared"));
  CHECK(function_at<std::uint64_t()>(second.find_function("also")->address)() == shared);
  CHECK(function_at<std::uint64_t()>(second.find_function("direct")->address)() == shared);
  CHECK(*reinterpret_cast<int *>(shared) == 0);
}

TEST_CASE("symbols that C programs expect are there, and absolute symbols override the process") {
  Session session;
  for (const char *name : {"atexit", "at_quick_exit", "pthread_atfork", "stat", "fstat", "lstat", "__dso_handle",
                           "__cpu_model", "__cpu_indicator_init", "malloc", "__cxa_atexit", "environ", "stdout"})
    CHECK(value_of(session->lookup(name)) != 0);
  static const auto fake_pid = +[]() { return 4711; };
  check_success(session->define_symbols({{"getpid", reinterpret_cast<std::uint64_t>(fake_pid)}, {"answer", 42}}));
  const LinkedObject object = value_of(session->link(compile_object(R"(
    @answer = external global i8
    declare i32 @getpid()
    define i32 @pid() { %p = call i32 @getpid() ret i32 %p }
    define ptr @value() { ret ptr @answer }
  )")));
  CHECK(function_at<int()>(object.find_function("pid")->address)() == 4711);
  CHECK(function_at<std::uint64_t()>(object.find_function("value")->address)() == 42);
  llvm::Error twice = session->define_symbols({{"fresh", 1}, {"answer", 43}});
  CHECK_THAT(llvm::toString(std::move(twice)), Contains("answer"));
  CHECK_THAT(error_of(session->lookup("fresh")), Contains("'fresh'"));
}

TEST_CASE("libraries are loaded on request") {
  Session session;
  CHECK_THAT(error_of(session->lookup("cbrt_not_there")),
             Contains("unresolved symbol 'cbrt_not_there' (no module has it"));
  CHECK_THAT(llvm::toString(session->load_library("/no/such/lib.so")), Contains("/no/such/lib.so"));
  const std::string source = "void *osr_test_library_symbol = 0;";
  const std::string library = std::string("/tmp/osr_code_test_") + std::to_string(::getpid()) + ".so";
  const std::string command = "echo '" + source + "' | cc -shared -fPIC -x c - -o " + library;
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK_THAT(error_of(session->lookup("osr_test_library_symbol")), Contains("unresolved"));
  check_success(session->load_library(library));
  CHECK(value_of(session->lookup("osr_test_library_symbol")) != 0);
  std::remove(library.c_str());
}
