#include "live_program.h"
#include "runtime/facade/create_runtime.h"

#include "compiler/target/target.h"
#include "runtime/stack/registry_lookup.h"
#include "runtime/threads/stopped_walk.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

#include <cstdlib>

using namespace llvm;

namespace osr {
namespace {

LiveProgram *live = nullptr;
constexpr std::size_t deepest_stack = 1 << 16; ///< letters
constexpr std::uint64_t from_main = ~std::uint64_t(0);

constexpr const char *main_text = R"(
declare i64 @host(i64)
define i32 @main() {
  %never = call i64 @host(i64 -1)
  ret i32 0
}
)";

bool is_set(const char *variable, StringRef value) {
  const char *text = std::getenv(variable);
  return text && text == value;
}

} // namespace

std::uint64_t LiveProgram::host(std::uint64_t argument) {
  if (argument == from_main)
    live->serve();
  auto what = live->on_host; // it may be set anew meanwhile
  return what ? what(argument) : argument;
}

LiveProgram::LiveProgram(const std::string &text, Runtime::Options options)
    : mechanism_(is_set("OSR_TEST_REWRITE", "return-point") ? Mechanism::ReturnPoint : Mechanism::ReturnPc),
      context_(std::make_unique<LLVMContext>()) {
  REQUIRE_FALSE(live);
  live = this;
  SMDiagnostic diagnostic;
  auto module = parseAssemblyString(main_text + text, diagnostic, *context_);
  INFO(diagnostic.getMessage().str() << " in line " << diagnostic.getLineNo());
  REQUIRE(module);
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  if (is_set("OSR_TEST_CALLS", "slot"))
    options.calls = CallKind::Slot;
  options.mechanism = mechanism_;
  options.host_symbols = {{"host", reinterpret_cast<std::uint64_t>(&LiveProgram::host)}};
  options.stops.limit = std::chrono::seconds(60);
  runtime_ = cantFail(
      create_runtime(cantFail(canonicalize(std::move(module), *machine, KeepSource::Yes)), std::move(options)));
  thread_ = std::thread([this] { cantFail(runtime_->run_main({"live"})); });
  thread_.detach(); // main never returns
  inside([] {});
}

void LiveProgram::inside(std::function<void()> work) {
  std::unique_lock lock(mutex_);
  work_ = std::move(work);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !work_; });
}

void LiveProgram::serve() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return bool(work_); });
    lock.unlock();
    work_();
    lock.lock();
    work_ = nullptr;
    on_host = nullptr;
    changed_.notify_all();
  }
}

std::uint64_t LiveProgram::call(const std::string &name, std::uint64_t first, std::uint64_t second) {
  return enter(*ThreadRegistry::current(), runtime_->address_of(name), first, second);
}

/// While nobody else can stop this thread, which would give it another context, or free what the walk looks at.
void LiveProgram::walk(RulesFinder &rules, const std::function<void(const Frame &)> &visit) {
  const ProgramThread &self = *ThreadRegistry::current();
  WalkStatus status = WalkStatus::Walking;
  Error error = runtime_->engine().with_stopped([&](auto) { status = walk_stopped(self, rules, visit); });
  CHECK(!error);
  CHECK(status == WalkStatus::ReachedBase);
}

std::string LiveProgram::stack() {
  std::string text;
  text.reserve(deepest_stack); // nothing is allocated while threads are stopped
  RegistryLookup lookup(runtime_->engine().registry(), &runtime_->engine().entries());
  RulesFinder rules(lookup, runtime_->engine().stub_table());
  walk(rules, [&](const Frame &frame) {
    if (!frame.code)
      return;
    text += frame.code->tier == Tier::Baseline ? 'B' : frame.code->continuation_site ? 'C' : 'O';
    if (frame.stub_pc || (patches_code() && frame.is_site && ReturnPointTable::stub_at(frame.pc)))
      text += '-';
  });
  return text;
}

} // namespace osr
