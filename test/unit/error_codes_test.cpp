// Check that errors have the kind that hosts act on, and that nothing has changed then.
#include "grow_fixture.h"
#include "osr-c/osr.h"
#include "osr/error.h"
#include "osr/host_stack.h"

#include <cstdlib>
#include <cstring>

using namespace llvm;

namespace osr {
namespace {

ErrorCode kind_of(Error error) {
  const ErrorCode code = code_of(error);
  INFO(toString(std::move(error)));
  return code;
}

ErrorCode kind_of_creating(const std::function<void(Runtime::Options &options)> &change) {
  Runtime::Options options;
  change(options);
  auto runtime = Runtime::create(std::move(options));
  REQUIRE_FALSE(bool(runtime));
  return kind_of(runtime.takeError());
}

const HostSymbol host{"host", 0x1000};

TEST_CASE("Options that mean nothing are invalid") {
  using Options = Runtime::Options;
  CHECK(kind_of_creating([](Options &options) { options.tier = Tier(2); }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.calls = CallKind(9); }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.mechanism = Mechanism(2); }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.stubs = StubKind(255); }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.freeing = Freeing(2); }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.stress.kind = StressMode::Kind(50); }) == ErrorCode::Invalid);
  for (const StressMode::Kind kind : {StressMode::Kind::Every, StressMode::Kind::All, StressMode::Kind::Loops,
                                      StressMode::Kind::Polls, StressMode::Kind::Async, StressMode::Kind::Churn})
    CHECK(kind_of_creating([=](Options &options) { options.stress = {kind, 0, {}, {}}; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.tier_up.queue_capacity = ~std::size_t(0); }) ==
        ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.tier_up.compile_threads = ~0U; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.target_cpu = "abacus"; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.target_features = "+beads"; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.stops.signal_number = 1; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.host_symbols = {host, host}; }) == ErrorCode::Exists);
  CHECK(kind_of_creating([](Options &options) { options.host_symbols = {{"", 1}}; }) == ErrorCode::Invalid);
  CHECK(kind_of_creating([](Options &options) { options.libraries = {"libnobody-has.so"}; }) == ErrorCode::Unknown);
  setenv("OSR_OPTIONS_OF_TEST", "--tier sometimes", 1);
  CHECK(kind_of_creating([](Options &options) { options.environment = "OSR_OPTIONS_OF_TEST"; }) == ErrorCode::Invalid);
}

TEST_CASE("Names that are known exist already") {
  auto runtime = runtime_with({"define i64 @own() { ret i64 1 }\n@variable = global i64 0"});
  cantFail(runtime->define({host}));
  CHECK(kind_of(runtime->define({host})) == ErrorCode::Exists);
  CHECK(kind_of(runtime->define({{"own", 1}})) == ErrorCode::Exists);
  CHECK(kind_of(runtime->define({{"fresh", 1}, {"fresh", 2}})) == ErrorCode::Exists);
  CHECK(kind_of(runtime->define({{"fresh", 0}})) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->define({{"", 1}})) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->define({{"fresh", 1}, host})) == ErrorCode::Exists); // and then none of them is defined
  CHECK(kind_of(runtime->lookup("fresh").takeError()) == ErrorCode::Unknown);
  CHECK(kind_of(runtime->add(module_of("define void @host() { ret void }")).takeError()) == ErrorCode::Exists);
  CHECK(kind_of(runtime->add(module_of("@host = global i64 0")).takeError()) == ErrorCode::Exists);
  CHECK(kind_of(runtime->add(module_of("@own = global i64 0")).takeError()) == ErrorCode::Exists);
  CHECK(call(*runtime, "own") == 1);
}

TEST_CASE("Requests with choices that mean nothing are invalid") {
  auto runtime = runtime_with({"define i64 @f() { ret i64 1 }"});
  CHECK(kind_of(runtime->replace("f", {.to = Tier(7)}).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->replace("f", {.frames = Frames(3)}).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->replace("f", {.old_code = OldCode(2)}).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->replace("f", {.recompile = true, .only_thread = 1}).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(runtime->replace("nobody", {}).takeError()) == ErrorCode::Unknown);
  CHECK(kind_of(runtime->replace("f", {.only_thread = 1}).takeError()) == ErrorCode::Unknown); // of another process
  const MemoryBufferRef same("define i64 @f() { ret i64 2 }", "same");
  CHECK(kind_of(runtime->redefine("f", same, {.to = Tier(2)}).takeError()) == ErrorCode::Invalid);
  for (const char *ir :
       {"define i32 @f() { ret i32 2 }", "define fastcc i64 @f(i64 %x) { ret i64 %x }", "declare i64 @f()",
        "define i64 @f() { ret i64 2 } define i64 @g() { ret i64 3 }", "define i64 @g() { ret i64 2 }",
        "define i64 @f() { ret i64 2 } @a = alias i64 (), ptr @f", "no IR"})
    CHECK(kind_of(runtime->redefine("f", MemoryBufferRef(ir, "unfit"), {}).takeError()) == ErrorCode::Invalid);
  CHECK(call(*runtime, "f") == 1);
}

TEST_CASE("What cannot be a stack is none") {
  for (const std::size_t bytes : {~std::size_t(0), ~std::size_t(0) - 4095})
    CHECK(kind_of(Fiber::create([] {}, bytes).takeError()) == ErrorCode::Invalid);
  char memory[16];
  CHECK(kind_of(HostStack::at(nullptr, 1 << 20).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(HostStack::at(memory, ~std::size_t(0) - 4096).takeError()) == ErrorCode::Invalid);
  CHECK(kind_of(HostStack::at(memory, sizeof(memory)).takeError()) == ErrorCode::Invalid);
}

osr_code code_of_message(char *message) {
  const osr_code code = osr_code_of(message);
  osr_free_message(message);
  return code;
}

TEST_CASE("Choices of hosts in C that mean nothing are invalid") {
  osr_runtime *runtime = nullptr;
  CHECK(code_of_message(osr_create(osr_tier(3), &runtime)) == OSR_INVALID);
  osr_options options{};
  options.size = 3;
  CHECK(code_of_message(osr_create_with(&options, &runtime)) == OSR_INVALID);
  REQUIRE(osr_create(OSR_TIER_BASELINE, &runtime) == nullptr);
  const char *const ir = "define i64 @f(i64 %x) { ret i64 %x }";
  REQUIRE(osr_add_ir(runtime, ir, std::strlen(ir), "f", nullptr) == nullptr);
  CHECK(code_of_message(osr_replace(runtime, "f", osr_tier(9), nullptr)) == OSR_INVALID);
  CHECK(code_of_message(osr_replace(runtime, "f", OSR_TIER_AUTO, nullptr)) == OSR_INVALID);
  osr_replace_options replaced{};
  replaced.size = sizeof(replaced);
  replaced.frames = osr_frames(9);
  CHECK(code_of_message(osr_replace_with(runtime, "f", &replaced, nullptr)) == OSR_INVALID);
  replaced.frames = OSR_FRAMES_REWRITE;
  replaced.only_thread = 1L << 40;
  CHECK(code_of_message(osr_replace_with(runtime, "f", &replaced, nullptr)) == OSR_INVALID);
  osr_redefine_options redefined{};
  redefined.size = sizeof(redefined);
  redefined.tier = osr_tier(4);
  CHECK(code_of_message(osr_redefine_with(runtime, "f", ir, std::strlen(ir), &redefined, nullptr)) == OSR_INVALID);
  CHECK(code_of_message(osr_close(runtime)) == OSR_OK);
}

} // namespace
} // namespace osr
