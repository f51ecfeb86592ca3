// A host that links the shared library and uses the interface of C++, with a policy of its own and exceptions.
#include "osr/fiber.h"
#include "osr/runtime.h"
#include "osr/thread.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

using namespace llvm;
using namespace osr;

namespace {

class Hurry : public CountingPolicy {
public:
  Hurry() : CountingPolicy(10) {}
  bool wants(Heat) const override { return true; }
};

void require(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::exit(1);
}
#define REQUIRE(condition) require(condition, #condition)

std::uint64_t host(std::uint64_t x) {
  if (x == 13)
    throw std::runtime_error("thirteen");
  return x;
}

constexpr const char *text = R"(
  declare i64 @host(i64)
  define i64 @same(i64 %x) {
    %y = call i64 @host(i64 %x)
    ret i64 %y
  }
  define i64 @loop(i64 %n) {
    br label %head
  head:
    %i = phi i64 [ 0, %0 ], [ %next, %head ]
    %s = phi i64 [ 0, %0 ], [ %sum, %head ]
    %v = call i64 @same(i64 %i)
    %sum = add i64 %s, %v
    %next = add i64 %i, 1
    %more = icmp ult i64 %next, %n
    br i1 %more, label %head, label %end
  end:
    ret i64 %sum
  })";

} // namespace

int main() {
  Runtime::Options options;
  options.tier_up.policy = std::make_shared<Hurry>();
  options.deterministic = true;
  const auto cache = std::make_shared<MemoryCompileCache>();
  options.compile_cache = cache;
  std::uint64_t compiled = 0, changed = 0;
  options.listener = [&](const RuntimeEvent &event) {
    compiled += event.kind == EventKind::Compiled;
    changed += event.kind == EventKind::TierChanged;
  };
  auto runtime = cantFail(Runtime::create(std::move(options)));
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(&host)}}));
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, *context);
  REQUIRE(module != nullptr);
  cantFail(runtime->add({std::move(module), std::move(context)}));
  {
    auto thread = cantFail(ThreadAttachment::attach());
    const std::uint64_t loop = cantFail(runtime->lookup("loop"));
    REQUIRE(thread.call(loop, 13) == 78);
    bool has_arrived = false;
    try {
      thread.call(loop, 100);
    } catch (const std::runtime_error &) {
      has_arrived = true;
    }
    REQUIRE(has_arrived);
    std::uint64_t sum = 0;
    auto fiber = cantFail(Fiber::create([&] { sum = thread.call(loop, 10); }));
    REQUIRE(!cantFail(fiber->resume()));
    REQUIRE(sum == 45);
  }
  REQUIRE(compiled >= 3 && changed >= 1);
  REQUIRE(cache->counts().entries > 0);
  REQUIRE(!runtime->snapshot()->to_json().empty());
  cantFail(Runtime::close(runtime));
}
