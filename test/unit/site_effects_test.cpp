// Says in every way that a call touches no memory, and checks that LLVM still takes its site for a reader of all memory.
#include "sites_fixture.h"

#include "compiler/sites/frame_chain.h"
#include "compiler/sites/site_effects.h"
#include "test/support/catch_header.h"

#include <fmt/format.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>

using namespace llvm;
using namespace osr;

namespace {

/// A loop that stores and then makes the call. What is said: of the declaration, of the call, of the accesses.
struct Claim {
  const char *declared, *called, *accesses;
};

std::string program_with(const Claim &claim) {
  return fmt::format(R"(
  @ticks = global i64 0
  declare i64 @quiet(i64, ptr) {}
  define i64 @counts(i64 %n, ptr %p) {{
  entry:
    br label %round
  round:
    %i = phi i64 [ 0, %entry ], [ %next, %round ]
    %sum = phi i64 [ 0, %entry ], [ %more, %round ]
    %old = load i64, ptr @ticks{}
    %new = add i64 %old, %i
    store i64 %new, ptr @ticks{}
    %r = call i64 @quiet(i64 %i, ptr %p) {}
    %more = add i64 %sum, %r
    %next = add i64 %i, 1
    %goes_on = icmp ult i64 %next, %n
    br i1 %goes_on, label %round, label %done
  done:
    ret i64 %more
  }}
  !0 = !{{!1, !1, i64 0}}
  !1 = !{{!"one", !3, i64 0}}
  !2 = !{{!4, !4, i64 0}}
  !3 = !{{!"root"}}
  !4 = !{{!"other", !3, i64 0}}
  !5 = distinct !{{!5}}
  !6 = distinct !{{!6, !5}}
  !7 = !{{!6}}
  )",
                     claim.declared, claim.accesses, claim.accesses, claim.called);
}

/// The program's own memory is up to date at the site: the store stands in front of it, in the same round.
bool stores_before(const CallBase &site) {
  for (const Instruction *before = site.getPrevNode(); before; before = before->getPrevNode())
    if (const auto *store = dyn_cast<StoreInst>(before))
      return store->getPointerOperand()->getName() == "ticks";
  return false;
}

void claim_no_memory(CallBase &call) { call.setMemoryEffects(MemoryEffects::none()); }

void claim_scopes(CallBase &call) {
  MDBuilder builder(call.getContext());
  MDNode *scope = builder.createAnonymousAliasScope(builder.createAnonymousAliasScopeDomain());
  call.setMetadata(LLVMContext::MD_noalias, MDNode::get(call.getContext(), scope));
}

void claim_type(CallBase &call) {
  MDBuilder builder(call.getContext());
  MDNode *type = builder.createTBAAScalarTypeNode("thing", builder.createTBAARoot("root"));
  call.setMetadata(LLVMContext::MD_tbaa, builder.createTBAAStructTagNode(type, type, 0));
}

void claim_speculatable(CallBase &call) { call.getCalledFunction()->addFnAttr(Attribute::Speculatable); }

} // namespace

TEST_CASE("Check that no store waits across a site, whatever is said about the call", "[sites]") {
  const Claim claim = GENERATE(values<Claim>({
      {"", "memory(none) nounwind willreturn", ""},
      {"memory(none) nounwind willreturn", "", ""},
      {"memory(none) nounwind willreturn", "memory(none)", ""},
      {"memory(argmem: readwrite) nounwind", "memory(argmem: read)", ""},
      {"memory(inaccessiblemem: readwrite)", "memory(inaccessiblemem: read)", ""},
      {"memory(errnomem: write)", "memory(errnomem: write)", ""},
      {"", ", !tbaa !0", ", !tbaa !2"},
      {"memory(read)", ", !tbaa !0", ", !tbaa !2"},
      {"", ", !noalias !7", ", !alias.scope !7"},
      {"", ", !alias.scope !7", ", !noalias !7"},
      {"nounwind", "memory(argmem: read), !noalias !7", ", !alias.scope !7"},
  }));
  INFO(claim.declared << " / " << claim.called << " / " << claim.accesses);
  NumberedProgram program(program_with(claim));
  CHECK(what_hides_memory(program.call("counts", 0)) == "");
  program.optimize();
  const auto sites = calls_with_state(program.function("counts"));
  REQUIRE(sites.size() == 1);
  CHECK(stores_before(*sites[0]));
  CHECK(what_hides_memory(*sites[0]) == "");
}

TEST_CASE("Check that what a callee does not write may still move across its sites", "[sites]") {
  NumberedProgram program(R"(
  @level = global i64 7
  declare i64 @quiet(i64)
  define i64 @reads_twice(i64 %x) {
    %a = load i64, ptr @level
    %r = call i64 @quiet(i64 %x) memory(none) nounwind willreturn
    %b = load i64, ptr @level
    %c = add i64 %a, %b
    %d = add i64 %c, %r
    ret i64 %d
  })");
  CHECK(program.call("reads_twice", 0).onlyReadsMemory());
  program.optimize();
  unsigned loads = 0;
  for (const Instruction &instruction : program.function("reads_twice").getEntryBlock())
    loads += isa<LoadInst>(instruction);
  CHECK(loads == 1);
}

TEST_CASE("Check that a call is a site only where control came", "[sites]") {
  NumberedProgram program(R"(
  declare i64 @eager(i64) memory(none) nounwind willreturn speculatable
  define i64 @chooses(i1 %c, i64 %x) {
  entry:
    br i1 %c, label %calls, label %done
  calls:
    %r = call i64 @eager(i64 %x)
    br label %done
  done:
    %v = phi i64 [ %x, %entry ], [ %r, %calls ]
    ret i64 %v
  })");
  program.optimize();
  const auto sites = calls_with_state(program.function("chooses"));
  REQUIRE(sites.size() == 1);
  CHECK_FALSE(sites[0]->getParent()->isEntryBlock());
}

TEST_CASE("Check that a site of which LLVM may believe less is found", "[sites]") {
  const auto [claims, named] = GENERATE(table<void (*)(CallBase &), std::string>({
      {claim_no_memory, "only some memory"},
      {claim_scopes, "metadata"},
      {claim_type, "metadata"},
      {claim_speculatable, "control"},
  }));
  NumberedProgram program(program_with({"", "", ""}));
  CallBase &site = program.call("counts", 0);
  claims(site);
  const std::string hidden = what_hides_memory(site);
  INFO(hidden);
  CHECK(hidden.find(named) != std::string::npos);
  for (const auto check : {+[](NumberedProgram &broken) { return check_site_effects(broken.module()); },
                           +[](NumberedProgram &broken) { return verify_sites(broken.module(), broken.program()); }}) {
    const std::string verdict = toString(check(program));
    INFO(verdict);
    CHECK(verdict.find("'counts'") != std::string::npos);
    CHECK(verdict.find(hidden) != std::string::npos);
    CHECK(verdict.find("@quiet") != std::string::npos);
  }
}

TEST_CASE("Check that a variable which only one piece of code can see is found", "[sites]") {
  NumberedProgram program(program_with({"", "", ""}));
  program.module().getGlobalVariable("ticks")->setLinkage(GlobalValue::InternalLinkage);
  CHECK(toString(check_site_effects(program.module())).find("'ticks'") != std::string::npos);
}
