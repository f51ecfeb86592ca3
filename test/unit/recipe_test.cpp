// Checks values that are recomputed when a frame is left: what is recorded, and that the steps give the value's bits.
#include "sites_fixture.h"

#include "compiler/tiers/lower_sites.h"
#include "compiler/tiers/recipe.h"
#include "osr-stubs/recipe.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

using namespace llvm;
using namespace osr;

namespace {

/// A function whose one call has the given values in its frame state, in the given order, and nothing else there.
class RecipeCase {
public:
  RecipeCase(const std::string &body, const std::string &state)
      : module_(fixture_.parse("declare void @ext()\n@global = external global [8 x i64]\n"
                               "define void @f(i64 %x, i32 %w, i8 %b, i1 %t, ptr %p, i128 %v) {\n" +
                               body + "\n  call void @ext() [ \"deopt\"(" + state + ") ]\n  ret void\n}")) {
    require_valid(*module_);
    for (CallBase *call : calls_with_state(*module_->getFunction("f")))
      call_ = call;
  }

  Value &operand(unsigned index) { return *bundle_operands(*call_).at(index); }

  /// Derives value `index`, as if these values were recorded already.
  Derivation derive(unsigned index, std::initializer_list<const char *> recorded = {}) {
    std::set<std::string> names(recorded.begin(), recorded.end());
    return osr::derive(operand(index), module_->getDataLayout(),
                       [&](const Value &value) { return names.contains(value.getName().str()); });
  }

private:
  CanonicalFixture fixture_;
  std::unique_ptr<Module> module_;
  CallBase *call_ = nullptr;
};

std::string leaf_name(const Derivation &derivation) {
  return derivation.leaf ? derivation.leaf->getName().str() : std::string("none");
}

/// The low `bits` bits that a landing gets for a leaf whose register holds `bits_in_register`.
std::uint64_t value_of(const Derivation &derivation, std::uint64_t bits_in_register, unsigned bits) {
  return zero_extend(apply_recipe(bits_in_register, derivation.lowered.recipe), bits);
}

constexpr std::uint64_t samples[] = {0,
                                     1,
                                     7,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff'ffff,
                                     0x8000'0000,
                                     0xffff'ffff,
                                     0x0123'4567'89ab'cdef,
                                     0x8000'0000'0000'0000,
                                     ~std::uint64_t(0)};

} // namespace

TEST_CASE("Check that a value that only frame states use is recomputed, and one with other uses is recorded",
          "[recipe]") {
  RecipeCase only("%a = add i64 %x, 5", "i64 %a");
  CHECK(leaf_name(only.derive(0)) == "x");
  RecipeCase used("%a = add i64 %x, 5\n store i64 %a, ptr %p", "i64 %a");
  CHECK(leaf_name(used.derive(0)) == "a");
  CHECK(used.derive(0).lowered.recipe.empty());
  CHECK(leaf_name(used.derive(0, {"x"})) == "x"); // x is kept in any case
}

TEST_CASE("Check that every step computes what the instruction computes, in every width", "[recipe]") {
  struct Example {
    const char *body, *value, *leaf;
    unsigned bits;
    std::function<std::uint64_t(std::uint64_t)> expected;
  };
  const Example examples[] = {
      {"%a = add i64 %x, -9", "i64 %a", "x", 64, [](auto x) { return x - 9; }},
      {"%a = sub i64 %x, -9223372036854775808", "i64 %a", "x", 64, [](auto x) { return x - (1ull << 63); }},
      {"%a = mul i64 %x, -7", "i64 %a", "x", 64, [](auto x) { return x * std::uint64_t(-7); }},
      {"%a = shl i64 %x, 63", "i64 %a", "x", 64, [](auto x) { return x << 63; }},
      {"%a = add i32 %w, -1", "i32 %a", "w", 32, [](auto x) { return std::uint32_t(x) - 1u; }},
      {"%a = mul i32 %w, 65537", "i32 %a", "w", 32, [](auto x) { return std::uint32_t(x) * 65537u; }},
      {"%a = shl i32 %w, 31", "i32 %a", "w", 32, [](auto x) { return std::uint32_t(x) << 31; }},
      {"%a = zext i8 %b to i64", "i64 %a", "b", 64, [](auto x) { return std::uint8_t(x); }},
      {"%a = sext i8 %b to i64", "i64 %a", "b", 64, [](auto x) { return std::uint64_t(std::int8_t(x)); }},
      {"%a = sext i8 %b to i32", "i32 %a", "b", 32, [](auto x) { return std::uint32_t(std::int8_t(x)); }},
      {"%a = zext i1 %t to i32", "i32 %a", "t", 32, [](auto x) { return x & 1; }},
      {"%a = sext i1 %t to i32", "i32 %a", "t", 32, [](auto x) { return x & 1 ? 0xffff'ffffu : 0u; }},
      {"%a = getelementptr i64, ptr %p, i64 -3", "ptr %a", "p", 64, [](auto x) { return x - 24; }},
      {"%a = getelementptr {i8, [4 x i32]}, ptr %p, i64 1, i32 1, i64 2", "ptr %a", "p", 64,
       [](auto x) { return x + 20 + 4 + 8; }},
  };
  for (const Example &example : examples) {
    INFO(example.body);
    RecipeCase one(example.body, example.value);
    Derivation derivation = one.derive(0);
    CHECK(leaf_name(derivation) == example.leaf);
    CHECK(derivation.lowered.recipe.size() == 1);
    for (std::uint64_t sample : samples) // above the value's width a register holds anything
      CHECK(value_of(derivation, sample, example.bits) == example.expected(sample));
  }
}

TEST_CASE("Check that a narrow sum is cut to its width before it is widened", "[recipe]") {
  RecipeCase chain("%a = add i32 %w, 1\n %z = zext i32 %a to i64\n %m = mul i64 %z, 3", "i64 %m, i32 %a, i64 %z");
  Derivation near = chain.derive(0, {"z"}); // z has other users, and its own operands are not recorded
  CHECK(leaf_name(near) == "z");
  Derivation far = chain.derive(0, {"z", "a"});
  CHECK(leaf_name(far) == "a");
  for (std::uint64_t sample : samples) {
    CHECK(value_of(near, std::uint32_t(sample), 64) == std::uint64_t(std::uint32_t(sample)) * 3);
    CHECK(value_of(far, sample, 64) == std::uint64_t(std::uint32_t(sample)) * 3);
  }
  Derivation farthest = chain.derive(0, {"z", "w"}); // past a, which is not recorded
  CHECK(leaf_name(farthest) == "w");
  for (std::uint64_t sample : samples)
    CHECK(value_of(farthest, sample, 64) == std::uint64_t(std::uint32_t(sample + 1)) * 3);
  RecipeCase only("%a = add i32 %w, 1\n %z = zext i32 %a to i64", "i64 %z");
  Derivation cut = only.derive(0, {"w", "a"});
  CHECK(leaf_name(cut) == "w");
  for (std::uint64_t sample : samples)
    CHECK(value_of(cut, sample, 64) == std::uint64_t(std::uint32_t(sample) + 1u));
}

TEST_CASE("Check that no operation without a step is looked through", "[recipe]") {
  for (const char *body :
       {"%a = sub i64 5, %x", "%a = add i64 %x, %x", "%a = udiv i64 %x, 3", "%a = lshr i64 %x, 2", "%a = xor i64 %x, 1",
        "%a = load i64, ptr %p", "%a = trunc i128 %v to i64", "%s = add i64 %x, %x\n %a = freeze i64 %s"}) {
    INFO(body);
    RecipeCase one(body, "i64 %a");
    CHECK(leaf_name(one.derive(0, {"x", "p", "v"})) == "a");
    CHECK(one.derive(0).lowered.recipe.empty());
  }
  RecipeCase bit("%a = add i1 %t, true", "i1 %a"); // its unused bits would have to be cleared
  CHECK(leaf_name(bit.derive(0, {"t"})) == "a");
  RecipeCase wide("%a = add i128 %v, 1", "i128 %a"); // no register holds it
  CHECK(leaf_name(wide.derive(0, {"v"})) == "a");
}

TEST_CASE("Check that constants and addresses of symbols need no operand", "[recipe]") {
  RecipeCase one("", "i64 -3, i32 -3, i1 true, double 1.5, float 1.5, ptr null, i64 poison, "
                     "ptr inttoptr (i64 77 to ptr), ptr @global, "
                     "ptr getelementptr (i64, ptr @global, i64 5)");
  const std::uint64_t expected[] = {std::uint64_t(-3), 0xffff'fffd, 1, 0x3ff8'0000'0000'0000, 0x3fc0'0000, 0, 0, 77};
  for (unsigned i = 0; i < std::size(expected); ++i) {
    Derivation derivation = one.derive(i);
    INFO("value " << i);
    CHECK_FALSE(derivation.leaf);
    CHECK(derivation.lowered.kind == LoweredValue::Kind::Constant);
    CHECK(derivation.lowered.constant == expected[i]);
  }
  for (unsigned i : {8u, 9u}) {
    Derivation derivation = one.derive(i);
    CHECK_FALSE(derivation.leaf);
    CHECK(derivation.lowered.kind == LoweredValue::Kind::Symbol);
    CHECK(derivation.lowered.symbol == "global");
    CHECK(apply_recipe(1000, derivation.lowered.recipe) == (i == 8 ? 1000 : 1040));
  }
}

TEST_CASE("Check that wide constants that no integer carries stay values", "[recipe]") {
  RecipeCase one("", "i128 18446744073709551616, x86_fp80 0xK3FFF8000000000000000, <2 x i64> <i64 1, i64 2>");
  for (unsigned i : {0u, 1u, 2u})
    CHECK(one.derive(i).leaf == &one.operand(i));
}

TEST_CASE("Check that constants which are wider than a word stay values whatever they are, and undefined ones are zero",
          "[recipe]") {
  RecipeCase one("",
                 "i128 0, x86_fp80 0xK00000000000000000000, <2 x i64> zeroinitializer, <4 x float> undef, i128 poison, "
                 "<9 x i8> zeroinitializer, <2 x i32> zeroinitializer, <64 x i1> undef, i64 poison");
  for (unsigned i : {0u, 1u, 2u, 5u})
    CHECK(one.derive(i).leaf == &one.operand(i));
  for (unsigned i : {3u, 4u}) {
    const Derivation derivation = one.derive(i);
    REQUIRE(derivation.leaf);
    CHECK(derivation.leaf->getType() == one.operand(i).getType());
    CHECK(cast<Constant>(derivation.leaf)->isNullValue());
  }
  for (unsigned i : {6u, 7u, 8u}) {
    CHECK_FALSE(one.derive(i).leaf);
    CHECK(one.derive(i).lowered.constant == 0);
  }
}

namespace {

/// A value on top of another one, by name: what it is for x.
const std::map<std::string, std::function<std::uint64_t(std::uint64_t)>> results = {
    {"x", [](auto x) { return x; }},
    {"a", [](auto x) { return x + 5; }},
    {"b", [](auto x) { return (x + 5) * 3; }},
    {"c", [](auto x) { return ((x + 5) * 3) << 2; }},
    {"d", [](auto x) { return (((x + 5) * 3) << 2) - 1; }},
    {"e", [](auto x) { return ((((x + 5) * 3) << 2) - 1) * 9; }},
    {"g", [](auto x) { return ((((x + 5) * 3) << 2) - 1) * 9 + 2; }}};

/// The seven slots of the site take seven values that hang on each other, in this order.
std::map<std::string, Value *> fill_slots(NumberedProgram &program, const std::vector<std::string> &order) {
  CallBase &call = program.call("f", 0);
  IRBuilder<> builder(&call);
  std::map<std::string, Value *> values;
  Value *x = values["x"] = program.function("f").getArg(0);
  Value *a = values["a"] = builder.CreateAdd(x, builder.getInt64(5));
  Value *b = values["b"] = builder.CreateMul(a, builder.getInt64(3));
  Value *c = values["c"] = builder.CreateShl(b, 2);
  Value *d = values["d"] = builder.CreateSub(c, builder.getInt64(1));
  Value *e = values["e"] = builder.CreateMul(d, builder.getInt64(9));
  values["g"] = builder.CreateAdd(e, builder.getInt64(2));
  std::vector<Value *> operands{bundle_operands(call)[0]};
  for (const std::string &name : order)
    operands.push_back(values[name]);
  set_bundle(call, operands);
  return values;
}

void check_recipes(const std::vector<std::string> &order) {
  NumberedProgram program("declare i64 @ext(i64)\n"
                          "define i64 @f(i64 %x, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %g) {\n"
                          "  %r = call i64 @ext(i64 0)\n"
                          "  %s0 = add i64 %r, %x\n  %s1 = xor i64 %s0, %a\n  %s2 = xor i64 %s1, %b\n"
                          "  %s3 = xor i64 %s2, %c\n  %s4 = xor i64 %s3, %d\n  %s5 = xor i64 %s4, %e\n"
                          "  %s6 = xor i64 %s5, %g\n  ret i64 %s6\n}");
  std::map<std::string, Value *> values = fill_slots(program, order);
  LoweredSites lowered = cantFail(lower_sites(program.function("f"), program.program(), {}));
  require_valid(program.module());
  IntrinsicInst *map = nullptr;
  for (IntrinsicInst *intrinsic : all<IntrinsicInst>(program.function("f")))
    map = intrinsic;
  REQUIRE(map);
  const LoweredFrame &frame = lowered.records.at(0).frames.at(0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const LoweredValue &value = frame.values[i];
    REQUIRE((value.kind == LoweredValue::Kind::Operand || value.kind == LoweredValue::Kind::InMemory));
    Value *operand = map->getArgOperand(2 + value.operand);
    for (StoreInst *store : all<StoreInst>(program.function("f")))
      if (store->getPointerOperand() == operand)
        operand = store->getValueOperand(); // what waits in the slot
    std::string held;
    for (auto &[name, candidate] : values)
      if (candidate == operand)
        held = name;
    INFO(order[i] << " is computed from " << held);
    REQUIRE(results.contains(held));
    for (std::uint64_t sample : samples)
      CHECK(apply_recipe(results.at(held)(sample), value.recipe) == results.at(order[i])(sample));
  }
}

} // namespace

TEST_CASE("Check that a recipe over a value that is itself recomputed ends at what is really recorded", "[recipe]") {
  // a has another frame-state-only value on top; c hangs on b. Whatever the order, each value's steps must lead from
  // an operand of the map to the value's own bits.
  std::vector<std::string> order = {"a", "b", "c", "d", "e", "g", "x"};
  do {
    check_recipes(order);
  } while (std::next_permutation(order.begin(), order.end() - 3)); // the orders of a, b, c, d
}
