// Checks the extraction of single functions into modules of their own.
#include "sites_fixture.h"

#include "compiler/tiers/extract.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

/// Refers to a constant, a variable, a weak function, another one and itself.
constexpr const char *knows_its_program = R"(
    @table = constant [2 x i64] [i64 3, i64 4]
    @counter = global i64 0
    declare extern_weak void @maybe()
    define i64 @callee(i64 %x) noinline {
      %v = load i64, ptr @counter
      %r = add i64 %v, %x
      ret i64 %r
    }
    define i64 @f(i64 %x) {
      %weak = icmp ne ptr @maybe, null
      br i1 %weak, label %call, label %go
    call:
      call void @maybe()
      br label %go
    go:
      %slot = getelementptr [2 x i64], ptr @table, i64 0, i64 %x
      %v = load i64, ptr %slot
      %c = call i64 @callee(i64 %v)
      %end = icmp eq i64 %c, 0
      br i1 %end, label %stop, label %recurse
    recurse:
      %r = call i64 @f(i64 %c)
      %s = mul i64 %r, %v
      ret i64 %s
    stop:
      ret i64 1
    })";

} // namespace

TEST_CASE("Check that an extracted function refers to the program by name only", "[tiers]") {
  NumberedProgram program(knows_its_program);
  INFO(print(program.module()));
  auto extracted = [&](bool show) {
    Extractor extractor(program.module(), "part");
    if (show) {
      extractor.show_constants();
      extractor.show_callee(program.function("callee"));
    }
    Function &clone = extractor.clone(program.function("f"), "f$1");
    CHECK(clone.getName() == "f$1");
    CHECK(function_id(clone) == program.info("f").id);
    std::unique_ptr<Module> module = extractor.finish();
    require_valid(*module);
    return module;
  };
  std::unique_ptr<Module> hidden = extracted(false), shown = extracted(true);
  for (Module *module : {hidden.get(), shown.get()}) {
    Function &clone = *module->getFunction("f$1");
    REQUIRE(module->getFunction("f"));
    CHECK(module->getFunction("f")->isDeclaration()); // the recursion goes through the stable entry
    CHECK(calls_of(clone, "f").size() == 1);
    CHECK(module->getFunction("maybe")->hasExternalWeakLinkage());
  }
  CHECK_FALSE(hidden->getGlobalVariable("counter"));
  REQUIRE(shown->getGlobalVariable("counter")); // the shown callee's, and no constant
  CHECK_FALSE(shown->getGlobalVariable("counter")->hasInitializer());
  CHECK(hidden->getFunction("callee")->isDeclaration());
  CHECK_FALSE(hidden->getGlobalVariable("table")->hasInitializer());
  CHECK(shown->getFunction("callee")->hasAvailableExternallyLinkage());
  CHECK(shown->getGlobalVariable("table")->hasAvailableExternallyLinkage());
}

TEST_CASE("Check that constants which exist in the module only are copied with what they refer to", "[tiers]") {
  NumberedProgram program(R"(
    @values = constant [2 x i64] [i64 3, i64 4]
    define i64 @f(i64 %x) {
      %slot = getelementptr [2 x i64], ptr @values, i64 0, i64 %x
      %v = load i64, ptr %slot
      ret i64 %v
    })");
  GlobalVariable *values = program.module().getGlobalVariable("values");
  auto *pointers = new GlobalVariable(program.module(), values->getType(), /*isConstant=*/true,
                                      GlobalValue::PrivateLinkage, values, "made");
  Function &function = program.function("f");
  IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().begin());
  builder.CreateLoad(builder.getPtrTy(), pointers, /*isVolatile=*/true);
  Extractor extractor(program.module(), "part");
  extractor.clone(function, "f$1");
  std::unique_ptr<Module> module = extractor.finish();
  require_valid(*module);
  GlobalVariable *copy = module->getGlobalVariable("made", true);
  REQUIRE(copy);
  CHECK(copy->hasPrivateLinkage());
  REQUIRE(copy->hasInitializer());
  CHECK(copy->getInitializer() == module->getGlobalVariable("values"));
}

TEST_CASE("Check that copies share metadata of which no part belongs to a module, whatever was looked at before",
          "[tiers]") {
  NumberedProgram program("define i64 @f(ptr %p) {\n %v = load i64, ptr %p\n ret i64 %v\n}");
  Function &function = program.function("f");
  LLVMContext &context = program.context();
  MDString *name = MDString::get(context, "name");
  MDNode *root = MDNode::getDistinct(context, {nullptr, name}); // as those of loops: it refers to itself
  root->replaceOperandWith(0, root);
  MDNode *tag = MDNode::get(context, {MDNode::get(context, {root, name}), root});
  MDNode *cycle = MDNode::getDistinct(context, {nullptr, tag});
  MDNode *of_module = MDNode::get(context, {tag, cycle, ValueAsMetadata::get(&function)});
  cycle->replaceOperandWith(0, of_module);
  Instruction &load = function.getEntryBlock().front();
  load.setMetadata("plain", tag);
  load.setMetadata("of.module", cycle);

  const std::pair<const MDNode *, bool> nodes[] = {{cycle, false}, {tag, true}, {of_module, false}, {root, true}};
  IndependentMetadata forwards, backwards;
  for (int round = 0; round < 2; ++round) {
    for (auto [node, independent] : nodes)
      CHECK(forwards.contains(*node) == independent);
    for (auto [node, independent] : reverse(nodes))
      CHECK(backwards.contains(*node) == independent);
  }
  for (int copies = 0; copies < 2; ++copies) {
    Extractor extractor(program.module(), "part");
    extractor.use(forwards);
    const Instruction &copy = extractor.clone(function, "f$1").getEntryBlock().front();
    CHECK(copy.getMetadata("plain") == tag);
    REQUIRE(copy.getMetadata("of.module"));
    CHECK(copy.getMetadata("of.module") != cycle);
    require_valid(*extractor.finish());
  }
}
