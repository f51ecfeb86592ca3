// Check that a host's own LLJIT and a runtime call each other's functions, with requests and exceptions meanwhile.
#include "grow_fixture.h"
#include "osr/walkable.h"

#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/TargetSelect.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

enum class Walkable : std::uint8_t { Yes, No };

/// `down` is the runtime's, `through` the other's.
struct BothJits {
  std::unique_ptr<orc::LLJIT> own;
  std::unique_ptr<Runtime> runtime;
  std::uint64_t down = 0;
  std::function<std::uint64_t()> at_bottom = [] { return 0; };
  static BothJits *current;

  explicit BothJits(Walkable walkable) {
    current = this;
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    auto machine = cantFail(orc::JITTargetMachineBuilder::detectHost());
    machine.setRelocationModel(Reloc::PIC_).setCodeModel(CodeModel::Small);
    own = cantFail(orc::LLJITBuilder().setJITTargetMachineBuilder(machine).create());
    if (walkable == Walkable::Yes)
      static_cast<orc::ObjectLinkingLayer &>(own->getObjLinkingLayer()).addPlugin(make_walkable());
    runtime = runtime_with({R"(
      declare i64 @through(i64)
      declare i64 @bottom()
      define i64 @down(i64 %n) {
        %twice = mul i64 %n, 2
        %stop = icmp eq i64 %n, 0
        br i1 %stop, label %end, label %more
      end:
        %last = call i64 @bottom()
        ret i64 %last
      more:
        %less = sub i64 %n, 1
        %rest = call i64 @through(i64 %less)
        %sum = add i64 %rest, %twice
        ret i64 %sum
      })"},
                           {.tier = Tier::Baseline});
    define(*runtime, "down");
    cantFail(own->addIRModule(module_of(R"(
      declare i64 @down(i64)
      define i64 @through(i64 %n) {
        %rest = call i64 @down(i64 %n)
        %sum = add i64 %rest, 1
        ret i64 %sum
      })")));
    cantFail(runtime->define({{"through", cantFail(own->lookup("through")).getValue()},
                              {"bottom", reinterpret_cast<std::uint64_t>(+[] { return current->at_bottom(); })}}));
    down = cantFail(runtime->lookup("down"));
  }

  void define(Runtime &of, const char *name) {
    cantFail(own->getMainJITDylib().define(orc::absoluteSymbols(
        {{own->mangleAndIntern(name), {orc::ExecutorAddr(of.address_of(name)), JITSymbolFlags::Exported}}})));
  }
  std::uint64_t transitions() const {
    const Statistics now = *runtime->snapshot();
    return now.transitions.in_place + now.transitions.continuation;
  }
};
BothJits *BothJits::current = nullptr;

constexpr std::uint64_t result_of(std::uint64_t n) { return n * (n + 1) + n; }

TEST_CASE("Frames of a host's own JIT hide nothing if its linking layer has the plugin") {
  BothJits jits(Walkable::Yes);
  std::uint64_t rewritten = 0;
  jits.at_bottom = [&] {
    rewritten = cantFail(jits.runtime->replace("down", {.to = Tier::Optimized})).rewritten;
    return 0;
  };
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK(attached.call(jits.down, 40) == result_of(40));
  CHECK(rewritten == 41);
  CHECK(jits.transitions() == 41);
  jits.at_bottom = [&]() -> std::uint64_t {
    cantFail(jits.runtime->replace("down", {.to = Tier::Baseline}));
    throw std::runtime_error("from below");
  };
  CHECK_THROWS_WITH(attached.call(jits.down, 40), "from below");
}

TEST_CASE("Without the plugin requests that meet such frames are refused, and nothing is wrong") {
  BothJits jits(Walkable::No);
  std::string refused;
  jits.at_bottom = [&] {
    refused = toString(jits.runtime->replace("down", {.to = Tier::Optimized}).takeError());
    return 0;
  };
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK(attached.call(jits.down, 3) == result_of(3));
  CHECK_THAT(refused, Contains("cannot be walked"));
  CHECK(jits.transitions() == 0);
  cantFail(jits.runtime->replace("down", {.to = Tier::Optimized}));
  jits.at_bottom = [] { return 0; };
  CHECK(attached.call(jits.down, 3) == result_of(3));
}

TEST_CASE("Threads go to and fro between both JITs while requests come") {
  BothJits jits(Walkable::Yes);
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      auto attached = cantFail(ThreadAttachment::attach());
      for (std::uint64_t n = 30 + i; !ends; n = 20 + (n + 7) % 30)
        wrong += attached.call(jits.down, n) != result_of(n);
    });
  std::uint64_t rewritten = 0;
  for (unsigned i = 0; i < 40 || rewritten < 40; ++i) {
    rewritten += cantFail(jits.runtime->replace("down", {.to = i % 2 ? Tier::Baseline : Tier::Optimized})).rewritten;
    auto tracker = jits.own->getMainJITDylib().createResourceTracker(); // objects come and go meanwhile
    const std::string name = fmt::format("f{}", i);
    cantFail(jits.own->addIRModule(
        tracker, module_of(fmt::format("define i64 @{}(i64 %x) {{ %y = mul i64 %x, {}\n ret i64 %y }}", name, i))));
    CHECK(cantFail(jits.own->lookup(name)).toPtr<std::uint64_t(std::uint64_t)>()(3) == 3 * i);
    cantFail(tracker->remove());
  }
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(wrong == 0);
  CHECK(jits.transitions() > 0);
}

} // namespace
} // namespace osr
