// Check what a host may choose: processors, limits for compiles, options from the environment, where messages go.
#include "compiler/base/message.h"
#include "heard_events.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// Of a function that counts the bits of its argument: with an instruction, or in many steps.
std::uint64_t bytes_with(const std::string &processor, const std::string &features,
                         const std::string &attributes = "") {
  Heard heard;
  Runtime::Options options;
  options.target_cpu = processor;
  options.target_features = features;
  options.listener = heard.listener();
  auto runtime = runtime_with({"declare i64 @llvm.ctpop.i64(i64)\ndefine i64 @count(i64 %x) " + attributes +
                               " {\n"
                               "%r = call i64 @llvm.ctpop.i64(i64 %x)\n ret i64 %r\n}"},
                              std::move(options));
  CHECK(call(*runtime, "count", 0xf0f) == 8);
  return heard.compiled_bytes;
}

TEST_CASE("Code is for the processor that the host names, unless functions say otherwise") {
  const std::uint64_t generic = bytes_with("", "");
  CHECK(bytes_with("x86-64", "") == generic);
  CHECK(bytes_with("", "+popcnt") < generic);
  CHECK(bytes_with("x86-64-v2", "") < generic);
  CHECK(bytes_with("native", "") < generic);
  CHECK(bytes_with("native", "-popcnt") > bytes_with("native", ""));
  CHECK(bytes_with("", "", "\"target-features\"=\"+popcnt\"") < generic);
  CHECK(bytes_with("x86-64-v2", "", "\"target-cpu\"=\"x86-64\" \"target-features\"=\"-popcnt\"") == generic);
}

std::string refusal(const std::string &processor, const std::string &features) {
  Runtime::Options options;
  options.target_cpu = processor;
  options.target_features = features;
  return toString(Runtime::create(std::move(options)).takeError());
}

TEST_CASE("A processor that is unknown, or another one, is refused by name") {
  CHECK_THAT(refusal("x86-64-v99", ""), Contains("x86-64-v99") && Contains("no such processor"));
  CHECK_THAT(refusal("", "+nonsense"), Contains("'nonsense' is no feature"));
  CHECK_THAT(refusal("", "avx2"), Contains("'avx2' begins with neither + nor -"));
  CHECK_THAT(refusal("", "-sse2"), Contains("cannot do without 'sse"));
  CHECK_THAT(refusal("i386", ""), Contains("cannot do without"));
  CHECK_THAT(refusal("", "+egpr"), Contains("'egpr'"));
  const StringMap<bool> here = sys::getHostCPUFeatures();
  const auto lacking =
      find_if(here, [](const auto &feature) { return !feature.getValue() && feature.getKey() != "egpr"; });
  REQUIRE(lacking != here.end());
  CHECK_THAT(refusal("", "+" + lacking->getKey().str()), Contains("lacks") || Contains("does not know"));
}

TEST_CASE("A function that is too large stays at the baseline tier, and says why") {
  Heard heard;
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.limits.most_instructions = 3;
  options.listener = heard.listener();
  auto runtime = runtime_with({"define i64 @small(i64 %x) { %y = mul i64 %x, 3\n ret i64 %y }\n"
                               "define i64 @large(i64 %x) { %a = mul i64 %x, 3\n %b = xor i64 %a, %x\n"
                               "%c = mul i64 %b, 5\n ret i64 %c }"},
                              std::move(options));
  CHECK(call(*runtime, "small", 5) == 15);
  CHECK(call(*runtime, "large", 5) == 50);
  CHECK(heard.count("compiled small optimized") == 1);
  CHECK(heard.count("compiled large baseline") == 1);
  CHECK(heard.count("not compiled large optimized ('large' has 4 instructions, and is optimised up to 3)") == 1);
  CHECK(runtime->snapshot()->functions_not_optimized.size() == 1);
  CHECK_THAT(toString(runtime->replace("large", {.to = Tier::Optimized}).takeError()), Contains("4 instructions"));
}

TEST_CASE("A function whose guards fail again and again is optimised no more") {
  Heard heard;
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.most_guard_failures = 1;
  options.limits.most_failures = 2;
  options.listener = heard.listener();
  auto runtime = runtime_with({guarded_bits}, std::move(options));
  for (int round = 0; round < 3; ++round)
    for (const std::uint64_t bit : {1u, 2u, 4u})
      CHECK(call(*runtime, "bits", bit) == bit + 1000);
  INFO(heard.all());
  CHECK(heard.count("compiled bits optimized") == 2);
  CHECK(heard.count("exited bits") == 2);
  CHECK(heard.count("not compiled bits optimized (optimised code of 'bits' went out of use 2 times") == 1);
  CHECK(heard.count("compiled bits baseline") == 1);
}

TEST_CASE("A function that has had its time is optimised no more") {
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.limits.most_time = std::chrono::milliseconds(0);
  auto runtime = runtime_with({recursion}, std::move(options));
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::uint64_t x) { return x; })}}));
  CHECK(cantFail(runtime->replace("sum", {.to = Tier::Optimized})).rewritten == 0); // it had none yet
  CHECK_THAT(toString(runtime->replace("sum", {.to = Tier::Optimized, .recompile = true}).takeError()),
             Contains("optimising 'sum' has taken"));
  CHECK(call(*runtime, "sum", 3) == 6);
}

TEST_CASE("Functions that may be optimised are named before they come") {
  Heard heard;
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.optimize_only = {"chosen"};
  options.listener = heard.listener();
  auto runtime = runtime_with({"define i64 @chosen(i64 %x) { %y = mul i64 %x, 3\n ret i64 %y }",
                               "define i64 @other(i64 %x) { %y = mul i64 %x, 5\n ret i64 %y }"},
                              std::move(options));
  CHECK(call(*runtime, "chosen", 5) == 15);
  CHECK(call(*runtime, "other", 5) == 25);
  CHECK(heard.count("compiled chosen optimized") == 1);
  CHECK(heard.count("compiled other baseline") == 1);
}

TEST_CASE("Options are changed by words, all or none") {
  RuntimeOptions options;
  cantFail(change_options(options,
                          " --tier auto --tier-policy counters  --tier-threshold 7 --compile-threads 0 "
                          "--stress every:3 --calls slot --no-assumptions --deterministic --target-cpu native"));
  REQUIRE(options.tier_up.policy);
  CHECK(options.tier_up.policy->first_count({}) == 7);
  CHECK(options.tier_up.compile_threads == 0);
  CHECK((options.stress.kind == StressMode::Kind::Every && options.stress.number == 3));
  CHECK((options.calls == CallKind::Slot && !options.assume_guards && options.deterministic));
  CHECK(options.target_cpu == "native");
  cantFail(change_options(options, "--tier baseline"));
  CHECK((options.tier == Tier::Baseline && !options.tier_up.policy));
  cantFail(change_options(options, ""));
  CHECK(options.tier == Tier::Baseline);
  auto refusal = [&](StringRef text) { return toString(change_options(options, text)); };
  CHECK_THAT(refusal("--tier optimized --nonsense"), Contains("'--nonsense' is no option"));
  CHECK(options.tier == Tier::Baseline);
  CHECK_THAT(refusal("--stress sometimes"), Contains("--stress") && Contains("sometimes"));
  CHECK_THAT(refusal("--calls"), Contains("--calls lacks its value"));
  CHECK_THAT(refusal("--tier-threshold 0"), Contains("--tier-threshold") && Contains("'0'"));
  CHECK_THAT(refusal("--tier baseline --tier-policy budget"), Contains("has no policy"));
  CHECK_THAT(refusal("--tier fast"), Contains("'fast'"));
}

TEST_CASE("The environment changes options if the host wants that, and an error in it is one of creating") {
  auto create = [](const char *text, const char *variable) {
    setenv("OSR_TEST_OPTIONS", text, 1);
    Runtime::Options options;
    options.tier = Tier::Optimized;
    if (variable)
      options.environment = variable;
    auto runtime = Runtime::create(std::move(options));
    unsetenv("OSR_TEST_OPTIONS");
    return runtime;
  };
  auto tiers = [&](const char *text, const char *variable) {
    auto runtime = cantFail(create(text, variable));
    cantFail(runtime->add(module_of("define i64 @one() { ret i64 1 }")));
    CHECK(call(*runtime, "one") == 1);
    return runtime->snapshot()->compile;
  };
  CHECK(tiers("--tier baseline", "OSR_TEST_OPTIONS").contains("baseline"));
  CHECK(tiers("--tier baseline", nullptr).contains("optimized"));
  CHECK(tiers("--tier baseline", "OSR_OTHER_OPTIONS").contains("optimized"));
  CHECK_THAT(toString(create("--tier", "OSR_TEST_OPTIONS").takeError()), Contains("OSR_TEST_OPTIONS: --tier lacks"));
  CHECK_THAT(toString(create("--deterministic --stress async:9", "OSR_TEST_OPTIONS").takeError()),
             Contains("not deterministic"));
  CHECK_THAT(toString(create("--deterministic --tier-policy sampling", "OSR_TEST_OPTIONS").takeError()),
             Contains("not deterministic"));
}

TEST_CASE("What is said of the process goes to the hosts that listen") {
  std::vector<std::string> heard;
  Runtime::Options options;
  options.message = [&](StringRef text) { heard.push_back(text.str()); };
  {
    auto first = runtime_with({}, options), second = runtime_with({}, options), mute = runtime_with({});
    say("to all");
    CHECK(heard == std::vector<std::string>{"to all", "to all"});
  }
  say("This line on stderr belongs to the test: nobody listens any more.");
  CHECK(heard.size() == 2);
}

TEST_CASE("A process that ends because a function cannot be compiled says so to its host") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Runtime::Options options;
    options.message = [&](StringRef text) { (void)!write(ends[1], text.data(), text.size()); };
    auto runtime = runtime_with({"declare void @missing()\ndefine void @f() { call void @missing()\n ret void }\n"
                                 "define void @g() { call void @f()\n ret void }"},
                                std::move(options));
    call(*runtime, "g");
    _exit(0);
  }
  close(ends[1]);
  std::string text(1000, ' ');
  text.resize(std::size_t(std::max<ssize_t>(read(ends[0], text.data(), text.size()), 0)));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
  CHECK_THAT(text, Contains("osr: ") && Contains("missing"));
}

} // namespace
} // namespace osr
