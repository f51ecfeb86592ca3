// Check what a host in C may choose, and do; hosts that are C alone are examples/grow.c, c_host.c and test/package.
#include "osr-c/osr.h"
#include "test/support/catch_header.h"

#include <llvm-c/Core.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Orc.h>

#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

using Catch::Matchers::Contains;

extern "C" {
const char *c_host_interprets();
const char *c_host_enters();
const char *c_host_keeps_what_was_compiled();
const char *c_host_fills_objects();
const char *c_host_hears_codes();
const char *c_host_runs_fibers();
const char *c_host_changes_stacks();
const char *c_host_reverts();
const char *c_host_has_libraries();
}

namespace {

std::string text_of(char *message) {
  const std::string text = message ? message : "";
  osr_free_message(message);
  return text;
}

struct Host {
  std::vector<std::string> events, asked;
  std::string why;
  std::jmp_buf place;
};

std::uint64_t twice(std::uint64_t x) { return 2 * x; }

osr_options options_for(Host &host) {
  osr_options options{};
  options.size = sizeof(options);
  options.tier = OSR_TIER_OPTIMIZED;
  options.context = &host;
  options.listener = [](const osr_event *event, void *context) {
    if (event->kind == OSR_EVENT_COMPILED || event->kind == OSR_EVENT_NOT_COMPILED)
      static_cast<Host *>(context)->events.push_back(
          (event->kind == OSR_EVENT_COMPILED ? "compiled " : "not compiled ") +
          std::string(event->function, event->function_length) +
          (event->tier == OSR_TIER_BASELINE ? " baseline" : " optimized"));
  };
  options.resolve = [](const char *name, std::uint64_t *address, void *context) {
    static_cast<Host *>(context)->asked.push_back(name);
    *address = reinterpret_cast<std::uint64_t>(&twice);
    return int(std::strcmp(name, "twice") == 0);
  };
  options.no_process_symbols = 1;
  options.most_instructions = 2;
  options.cannot_go_on = [](const char *reason, void *context) {
    auto *host = static_cast<Host *>(context);
    host->why = reason;
    std::longjmp(host->place, 1);
  };
  return options;
}

const char *functions = "declare i64 @twice(i64)\ndeclare i64 @getppid()\n"
                        "define i64 @small(i64 %x) { %y = call i64 @twice(i64 %x)\n ret i64 %y }\n"
                        "define i64 @large(i64 %x) { %y = mul i64 %x, 3\n %z = xor i64 %y, 1\n ret i64 %z }\n"
                        "define i64 @asks() { %y = call i64 @getppid()\n ret i64 %y }\n"
                        "define i64 @leads_nowhere() { %y = call i64 @asks()\n %z = add i64 %y, 1\n ret i64 %z }\n";

} // namespace

TEST_CASE("A host in C listens, gives names, sets limits, and is asked where no code can be made") {
  Host host;
  const osr_options options = options_for(host);
  osr_runtime *runtime = nullptr;
  REQUIRE(text_of(osr_create_with(&options, &runtime)) == "");
  REQUIRE(text_of(osr_add_ir(runtime, functions, std::strlen(functions), "functions", nullptr)) == "");
  REQUIRE(text_of(osr_attach_thread()) == "");
  std::uint64_t address = 0;
  REQUIRE(text_of(osr_lookup(runtime, "small", &address)) == "");
  CHECK(osr_call(address, 21, 0, 0) == 42);
  REQUIRE(text_of(osr_lookup(runtime, "large", &address)) == "");
  CHECK(osr_call(address, 21, 0, 0) == 62);
  CHECK(host.events == std::vector<std::string>{"compiled small optimized", "not compiled large optimized",
                                                "compiled large baseline"});
  CHECK(host.asked == std::vector<std::string>{"twice"});
  REQUIRE(text_of(osr_lookup(runtime, "leads_nowhere", &address)) == "");
  if (setjmp(host.place) == 0) {
    osr_call(address, 0, 0, 0);
    FAIL("control came back");
  }
  CHECK_THAT(host.why, Contains("getppid"));
  CHECK(host.asked.back() == "getppid");
  osr_detach_thread();
  CHECK(text_of(osr_close(runtime)) == "");
}

TEST_CASE("Options of the first version of the interface are taken, those of no version refused") {
  osr_options options{};
  osr_runtime *runtime = nullptr;
  options.size = offsetof(osr_options, context);
  options.listener = reinterpret_cast<decltype(options.listener)>(1); // not a part of them
  REQUIRE(text_of(osr_create_with(&options, &runtime)) == "");
  CHECK(text_of(osr_close(runtime)) == "");
  options.size = sizeof(options) + 1;
  CHECK_THAT(text_of(osr_create_with(&options, &runtime)), Contains("unknown size"));
  options = {};
  options.size = sizeof(options);
  options.target_cpu = "abacus";
  CHECK_THAT(text_of(osr_create_with(&options, &runtime)), Contains("abacus"));
}

TEST_CASE("A host in C has all that one in C++ has") {
  const auto [name, part] = GENERATE(
      std::pair{"interprets", &c_host_interprets}, std::pair{"enters", &c_host_enters},
      std::pair{"runs fibers", &c_host_runs_fibers}, std::pair{"changes stacks", &c_host_changes_stacks},
      std::pair{"reverts", &c_host_reverts}, std::pair{"keeps what was compiled", &c_host_keeps_what_was_compiled},
      std::pair{"has libraries", &c_host_has_libraries}, std::pair{"fills objects", &c_host_fills_objects},
      std::pair{"hears codes", &c_host_hears_codes});
  INFO(name);
  const char *problem = part();
  CHECK(std::string(problem ? problem : "") == "");
}

TEST_CASE("Modules of LLVM's C interface are taken, and belong to the runtime") {
  osr_runtime *runtime = nullptr;
  REQUIRE(text_of(osr_create(OSR_TIER_BASELINE, &runtime)) == "");
  CHECK_THAT(text_of(osr_add_module(runtime, nullptr, nullptr)), Contains("no module"));
  const auto add = [&](const char *text, osr_module *module) {
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef read = nullptr;
    char *problem = nullptr;
    REQUIRE(LLVMParseIRInContext(context, LLVMCreateMemoryBufferWithMemoryRangeCopy(text, std::strlen(text), "text"),
                                 &read, &problem) == 0);
    LLVMOrcThreadSafeContextRef shared = LLVMOrcCreateNewThreadSafeContextFromLLVMContext(context);
    LLVMOrcThreadSafeModuleRef safe = LLVMOrcCreateNewThreadSafeModule(read, shared);
    LLVMOrcDisposeThreadSafeContext(shared);
    return text_of(osr_add_module(runtime, safe, module));
  };
  osr_module module = 0;
  REQUIRE(add("define i64 @f() { ret i64 42 }", &module) == "");
  CHECK_THAT(add("define i64 @f() { ret i64 43 }", nullptr), Contains("defined already"));
  REQUIRE(text_of(osr_attach_thread()) == "");
  std::uint64_t address = 0;
  REQUIRE(text_of(osr_lookup(runtime, "f", &address)) == "");
  CHECK(osr_call(address, 0, 0, 0) == 42);
  CHECK(text_of(osr_remove(runtime, module)) == "");
  osr_detach_thread();
  CHECK(text_of(osr_close(runtime)) == "");
}
