// Check that a host's own LLJIT and a runtime call each other's functions, with requests and exceptions meanwhile.
#include "grow_fixture.h"
#include "osr/error.h"
#include "osr/walkable.h"

#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/TargetSelect.h>

#include <atomic>
#include <csetjmp>
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

constexpr const char *hidden = "hidden behind a frame of code without unwind information";

TEST_CASE(
    "Without the plugin such frames hide what is between them and the next entry from the host, and nothing else") {
  BothJits jits(Walkable::No);
  const std::uint64_t keep = 5;
  cantFail(jits.runtime->add(module_of(R"(
    declare i64 @again(i64)
    define i64 @older(i64 %n) {
      %x = call i64 @again(i64 %n)
      %y = add i64 %x, 1000
      ret i64 %y
    })")));
  auto attached = cantFail(ThreadAttachment::attach());
  static ThreadAttachment *host = nullptr;
  host = &attached;
  cantFail(jits.runtime->define({{"again", reinterpret_cast<std::uint64_t>(+[](std::uint64_t n) {
                                    return host->call(BothJits::current->down, n);
                                  })}}));
  // A host calls older, which calls the host, which calls down: that calls itself through the other JIT, and the host at the end.
  ReplaceOutcome down, older, once_more;
  jits.at_bottom = [&] {
    down = cantFail(jits.runtime->replace("down", {.to = Tier::Optimized}));
    older = cantFail(jits.runtime->replace("older", {.to = Tier::Optimized}));
    once_more = cantFail(jits.runtime->replace("down", {.to = Tier::Optimized}));
    jits.runtime->reclaim(); // the old code is needed
    return 0;
  };
  CHECK(attached.call(cantFail(jits.runtime->lookup("older")), keep) == result_of(keep) + 1000);
  CHECK(down.rewritten == 1);
  CHECK(down.refused.at(hidden) >= keep);
  CHECK(older.rewritten == 1);
  CHECK(older.refused.empty());
  CHECK(once_more.already == 1);
  CHECK(jits.transitions() == 2);
  CHECK_FALSE(jits.runtime->reclaim()); // nothing is hidden any more
  jits.at_bottom = [] { return 0; };
  CHECK(attached.call(jits.down, 3) == result_of(3));
}

TEST_CASE("What such frames hide is not waited for by who is below, and nothing else is refused") {
  BothJits jits(Walkable::No);
  cantFail(jits.runtime->add(module_of("define i64 @idle(i64 %n) { ret i64 %n }")));
  auto attached = cantFail(ThreadAttachment::attach());
  const std::uint64_t idle = cantFail(jits.runtime->lookup("idle"));
  CHECK(attached.call(idle, 4) == 4);
  bool is_idle = false;
  ErrorCode own{};
  jits.at_bottom = [&] {
    const ReplaceOptions waits{.to = Tier::Optimized, .frames = Frames::WaitQuiescent};
    is_idle = bool(jits.runtime->replace("idle", waits));
    Error error = jits.runtime->replace("down", waits).takeError();
    own = code_of(error);
    consumeError(std::move(error));
    return 0;
  };
  CHECK(attached.call(jits.down, 5) == result_of(5));
  CHECK(is_idle);
  CHECK(own == ErrorCode::WrongState);
}

TEST_CASE("Entries that were left by longjmp are none when something is hidden later") {
  BothJits jits(Walkable::No);
  static jmp_buf back;
  auto attached = cantFail(ThreadAttachment::attach());
  static ThreadAttachment *host = nullptr;
  host = &attached;
  static std::uint64_t jumps = 0, visible = 0;
  jits.at_bottom = [&]() -> std::uint64_t {
    if (jumps++ == 0)
      std::longjmp(back, 1);
    volatile char over_what_was_left[4096];
    for (volatile char &each : over_what_was_left)
      each = char(0x5a);
    visible += cantFail(jits.runtime->replace("down", {.to = jumps % 2 ? Tier::Baseline : Tier::Optimized})).rewritten;
    return 0;
  };
  // In the program, the host enters it once more, and comes back by longjmp; then it calls it by its address.
  cantFail(jits.runtime->add(module_of("declare i64 @enters(i64)\n"
                                       "define i64 @outer(i64 %n) { %x = call i64 @enters(i64 %n)\n ret i64 %x }")));
  cantFail(jits.runtime->define({{"enters", reinterpret_cast<std::uint64_t>(+[](std::uint64_t n) {
                                    if (setjmp(back) == 0)
                                      return host->call(BothJits::current->down, n);
                                    const auto down =
                                        reinterpret_cast<std::uint64_t (*)(std::uint64_t)>(BothJits::current->down);
                                    return down(n) + down(n);
                                  })}}));
  CHECK(attached.call(cantFail(jits.runtime->lookup("outer")), 4) == 2 * result_of(4));
  CHECK(visible == 2);
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
