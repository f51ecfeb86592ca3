// Check where names are found that the program does not define.
#include "grow_fixture.h"

#include <map>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

std::uint64_t twice(std::uint64_t x) { return 2 * x; }
std::uint64_t thrice(std::uint64_t x) { return 3 * x; }

const char *calls_host = R"(
  declare i64 @scale(i64)
  declare i32 @getppid()
  define i64 @scaled(i64 %x) {
    %y = call i64 @scale(i64 %x)
    ret i64 %y
  }
  define i64 @parent() {
    %p = call i32 @getppid()
    %w = zext i32 %p to i64
    ret i64 %w
  })";

TEST_CASE("The host is asked for names when they are needed, once, and before the process") {
  std::map<std::string, int> asked;
  static std::int64_t variable = 77;
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.resolve = [&](StringRef name) -> std::optional<std::uint64_t> {
    ++asked[name.str()];
    if (name == "scale")
      return reinterpret_cast<std::uint64_t>(&twice);
    if (name == "getppid")
      return reinterpret_cast<std::uint64_t>(+[]() -> int { return 42; });
    if (name == "of_host")
      return reinterpret_cast<std::uint64_t>(&variable);
    return std::nullopt;
  };
  auto runtime = runtime_with({calls_host}, std::move(options));
  CHECK(asked.empty());
  CHECK(call(*runtime, "scaled", 5) == 10);
  CHECK(asked == std::map<std::string, int>{{"scale", 1}});
  CHECK(call(*runtime, "parent") == 42);
  cantFail(runtime->replace("scaled", {.to = Tier::Optimized}));
  CHECK(call(*runtime, "scaled", 6) == 12);
  CHECK(asked["scale"] == 1);

  cantFail(
      runtime->add(module_of("@of_host = external global i64\n@where = global ptr @of_host\n"
                             "define i64 @read() { %p = load ptr, ptr @where\n %v = load i64, ptr %p\n ret i64 %v }")));
  CHECK(asked["of_host"] == 1);
  CHECK(call(*runtime, "read") == 77);
  CHECK_THAT(
      toString(runtime->add(module_of("@nobody = external global i64\n@there = global ptr @nobody")).takeError()),
      Contains("nobody"));
  CHECK(asked["nobody"] == 1);
  cantFail(runtime->add(module_of("declare i32 @abs(i32)\ndefine i32 @size(i32 %x) {\n"
                                  " %y = call i32 @abs(i32 %x)\n ret i32 %y\n}")));
  CHECK(std::int32_t(call(*runtime, "size", std::uint32_t(-9))) == 9); // the process knows
}

TEST_CASE("What the host has defined, and what modules define, is not asked for") {
  Runtime::Options options;
  options.resolve = [&](StringRef name) -> std::optional<std::uint64_t> {
    FAIL_CHECK("asked for " << name.str());
    return std::nullopt;
  };
  options.host_symbols = {{"getppid", reinterpret_cast<std::uint64_t>(+[]() -> int { return 7; })}};
  auto runtime = runtime_with({calls_host}, std::move(options));
  cantFail(runtime->define({{"scale", reinterpret_cast<std::uint64_t>(&thrice)}}));
  CHECK(call(*runtime, "scaled", 5) == 15);
  CHECK(call(*runtime, "parent") == 7);
}

TEST_CASE(
    "Functions of modules and of the host may have names of the C library, also of what the runtime has in its place") {
  auto runtime =
      runtime_with({"define i64 @read(i64 %x) { %y = add i64 %x, 5\n ret i64 %y }\n"
                    "declare i64 @signal(i64)\n"
                    "define i64 @both(i64 %x) { %y = call i64 @read(i64 %x)\n %z = call i64 @signal(i64 %y)\n"
                    "ret i64 %z }"});
  cantFail(runtime->define({{"signal", reinterpret_cast<std::uint64_t>(&thrice)}}));
  CHECK(call(*runtime, "both", 2) == 21);
}

TEST_CASE("A program without the process's names has those of its host, and what compilers call") {
  Runtime::Options options;
  options.process_symbols = false;
  auto runtime = runtime_with({calls_host, R"(
    declare i32 @pthread_create(ptr, ptr, ptr, ptr)
    declare i32 @atexit(ptr)
    declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
    define i32 @starts(ptr %p) {
      %r = call i32 @pthread_create(ptr %p, ptr null, ptr %p, ptr null)
      ret i32 %r
    }
    define i32 @registers(ptr %p) {
      %r = call i32 @atexit(ptr %p)
      ret i32 %r
    }
    define i64 @copies(ptr %to, ptr %from, i64 %n) {
      call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
      ret i64 %n
    })"},
                              std::move(options));
  for (const char *name : {"parent", "starts", "registers", "scaled"})
    CHECK_THAT(toString(runtime->lookup(name).takeError()), Contains("nresolved") || Contains("ymbols not found"));
  const std::string from = "some bytes, more than a code generator copies by itself, as many as it takes";
  std::string to(from.size(), ' ');
  auto thread = cantFail(ThreadAttachment::attach());
  CHECK(thread.call(cantFail(runtime->lookup("copies")), reinterpret_cast<std::uint64_t>(to.data()),
                    reinterpret_cast<std::uint64_t>(from.data()), from.size()) == from.size());
  CHECK(to == from);
  cantFail(runtime->define({{"getppid", reinterpret_cast<std::uint64_t>(+[]() -> int { return 9; })}}));
  CHECK(call(*runtime, "parent") == 9);
}

} // namespace
} // namespace osr
