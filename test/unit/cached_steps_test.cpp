// Checks that what a compile takes from a cache is what it would make, and that nothing else is taken.
#include "codegen_fixture.h"
#include "compiler/codegen/cached_steps.h"
#include "test/support/catch_header.h"

#include <map>

using namespace llvm;
using namespace osr;

namespace {

const std::string program = "declare i64 @ext(i64)" + loop_with_a_call("work", 3);
/// The same up to one constant.
const std::string other_program = "declare i64 @ext(i64)" + loop_with_a_call("work", 5);

struct SimpleCache final : CompileCache {
  std::unique_ptr<MemoryBuffer> find(const Key &key) override {
    const auto found = kept.find(key);
    return found == kept.end() ? nullptr : MemoryBuffer::getMemBufferCopy(found->second);
  }
  void put(const Key &key, StringRef bytes) override { kept[key] = bytes.str(); }

  std::map<Key, std::string> kept;
};

Compiler::Options options_with(std::shared_ptr<CompileCache> cache) {
  return {.optimize_apart = true, .cache = std::move(cache)};
}

void check_same(const CompiledVersion &one, const CompiledVersion &other) {
  CHECK(one.object->getBuffer() == other.object->getBuffer());
  CHECK(one.report == other.report);
  CHECK(one.sites.forms == other.sites.forms);
}

} // namespace

TEST_CASE(
    "A version that was compiled before comes from the cache, in each tier and as a continuation, and is the same") {
  const auto cache = std::make_shared<SimpleCache>();
  for (const auto &[tier, continuation] : {std::pair(Tier::Baseline, std::optional<std::uint32_t>()),
                                           {Tier::Optimized, std::nullopt},
                                           {Tier::Optimized, 0}}) {
    CompiledText first(program, options_with(cache)), second(program, options_with(cache));
    const CompiledVersion made = first.compile("work", tier, continuation);
    const CompiledVersion found = second.compile("work", tier, continuation);
    CHECK_FALSE(made.is_from_cache);
    CHECK(found.is_from_cache);
    check_same(made, found);
    CHECK(made.report.anchored.size() == 1); // or there would be little to compare
  }
}

TEST_CASE("Another body, another way to patch code and another processor are other code") {
  const auto cache = std::make_shared<SimpleCache>();
  CompiledText(program, options_with(cache)).compile("work", Tier::Optimized);
  CHECK_FALSE(CompiledText(other_program, options_with(cache)).compile("work", Tier::Optimized).is_from_cache);
  Compiler::Options patchable = options_with(cache), newer = options_with(cache);
  patchable.patchable_returns = true;
  newer.processor = {"x86-64-v2", ""};
  CHECK_FALSE(CompiledText(program, patchable).compile("work", Tier::Optimized).is_from_cache);
  CHECK_FALSE(CompiledText(program, newer).compile("work", Tier::Optimized).is_from_cache);
  CHECK(CompiledText(program, options_with(cache)).compile("work", Tier::Optimized).is_from_cache);
}

TEST_CASE("What a cache gives that nobody can have put there is made anew") {
  const auto cache = std::make_shared<SimpleCache>();
  const CompiledVersion made = CompiledText(program, options_with(cache)).compile("work", Tier::Optimized);
  const std::map<CompileCache::Key, std::string> whole = cache->kept;
  REQUIRE(whole.size() == 2); // one for each step
  for (const std::size_t kept : {0, 1, 7, 8, 9, 40}) {
    for (auto &[key, bytes] : cache->kept)
      bytes = whole.at(key).substr(0, kept);
    const CompiledVersion again = CompiledText(program, options_with(cache)).compile("work", Tier::Optimized);
    CHECK_FALSE(again.is_from_cache);
    check_same(made, again);
    CHECK(cache->kept == whole); // which puts it right
  }
}

TEST_CASE("A report of code generation is the same behind its text, and a text that is none says what it lacks") {
  CodegenReport report{.anchored = {0, 3, 4'000'000'000},
                       .not_anchored = {{7, "a \"reason\""}},
                       .failed_operands = {{7, 0}, {7, 2}},
                       .orphans = {9},
                       .unrecorded = {11},
                       .not_certified = {{1, "xmm0"}},
                       .calls = 5,
                       .calls_with_record = 3,
                       .calls_without_site = 1,
                       .cfa_from_sp = -16};
  CHECK(cantFail(report_from_json(to_json(report))) == report);
  CHECK(cantFail(report_from_json(to_json({}))) == CodegenReport());
  for (const char *wrong : {"", "[]", "{}", R"({"anchored":[-1]})", R"({"anchored":["x"]})", R"({"anchored":[1,1]})"})
    CHECK_FALSE(toString(report_from_json(wrong).takeError()).empty());
  std::string without_calls = to_json(report);
  without_calls.replace(without_calls.find("\"calls\""), 7, "\"calm\"");
  CHECK(toString(report_from_json(without_calls).takeError()) == "a report of code generation has no 'calls'");
}
