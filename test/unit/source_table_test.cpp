// Where variables are said to be, and where nothing is said of them.
#include "compiler/sites/source_table.h"

#include "canonical_fixture.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/number_sites.h"
#include "test/support/catch_header.h"

using namespace llvm;

namespace osr {
namespace {

constexpr const char *metadata = R"(
declare void @use(i32)
declare void @take(ptr)
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!1, !2}
!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !3, emissionKind: FullDebug)
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"debug-info-assignment-tracking", i1 true}
!3 = !DIFile(filename: "x.c", directory: "/")
!4 = !DISubroutineType(types: !5)
!5 = !{null}
!6 = distinct !DISubprogram(name: "f", file: !3, line: 1, type: !4, unit: !0, spFlags: DISPFlagDefinition)
!7 = !DIBasicType(name: "int", size: 32, encoding: DW_ATE_signed)
!8 = !DILocalVariable(name: "v", scope: !6, file: !3, line: 2, type: !7)
!9 = !DILocation(line: 3, scope: !6)
!10 = distinct !DIAssignID()
!11 = !DIBasicType(name: "long", size: 64, encoding: DW_ATE_signed)
!12 = !DILocalVariable(name: "wide", scope: !6, file: !3, line: 2, type: !11)
!13 = distinct !DISubprogram(name: "inner", file: !3, line: 5, type: !4, unit: !0, spFlags: DISPFlagDefinition)
!14 = !DILocation(line: 0, scope: !13, inlinedAt: !9)
!15 = !DILocation(line: 7, scope: !13, inlinedAt: !9)
)";

struct Program {
  explicit Program(const std::string &body, DebugInformation debug = DebugInformation::All)
      : program(cantFail(canonicalize(fixture.parse(body + metadata), fixture.machine(), KeepSource::No, debug))) {
    number_sites(program, fixture.machine());
  }
  Function &function() { return *program.module->getFunction("f"); }

  CanonicalFixture fixture;
  CanonicalProgram program;
};

/// At each site: the place of the only variable.
std::vector<VariableAtSite> places_in(const std::string &body) {
  Program program(body);
  SourceTypes types;
  const FunctionSource source =
      describe_source(program.function(), types, find_module_variables(*program.program.module));
  std::vector<VariableAtSite> places;
  for (const SourceSite &site : source.sites) {
    REQUIRE(site.variables.size() == 1);
    places.push_back(site.variables.front());
  }
  return places;
}

TEST_CASE("a variable is its value until it is another one") {
  const auto places = places_in(R"(
define i32 @f(i32 %a, i32 %b) !dbg !6 {
  call void @use(i32 0), !dbg !9
  #dbg_value(i32 %a, !8, !DIExpression(), !9)
  call void @use(i32 1), !dbg !9
  #dbg_value(i32 %b, !8, !DIExpression(DW_OP_plus_uconst, 4, DW_OP_stack_value), !9)
  call void @use(i32 2), !dbg !9
  #dbg_value(i32 7, !8, !DIExpression(), !9)
  call void @use(i32 3), !dbg !9
  %sum = add i32 %a, %b
  ret i32 %sum
})");
  REQUIRE(places.size() == 4);
  CHECK(places[0].place == VariableAtSite::Place::Nowhere);
  CHECK(places[1].value.index == 0);
  CHECK((places[2].value.index == 1 && places[2].value.addend == 4));
  CHECK((places[3].value.kind == PointValue::Kind::Constant && places[3].value.constant == 7));
}

TEST_CASE("an assignment whose block goes is not forgotten") {
  const std::string program = R"(
define i32 @f(i32 %a) !dbg !6 {
  %v = alloca i32
  #dbg_declare(ptr %v, !8, !DIExpression(), !9)
  store i32 1, ptr %v, !dbg !9
  %is = icmp eq i32 %a, 0
  br i1 %is, label %then, label %end
then:
  ANOTHER
  br label %end
end:
  call void @use(i32 0), !dbg !9
  ret i32 %a
})";
  const auto with = [&](const std::string &other) {
    std::string text = program;
    return places_in(text.replace(text.find("ANOTHER"), 7, other))[0];
  };
  CHECK(with("store i32 2, ptr %v, !dbg !9").place == VariableAtSite::Place::Nowhere);
  const VariableAtSite once = with("");
  CHECK((once.place == VariableAtSite::Place::Value && once.value.constant == 1));
}

TEST_CASE("a call that two became is in its function, wherever what is next to it is from") {
  const auto lines_of_first = [](const std::string &between) {
    Program program("define void @f() !dbg !6 {\n" + between +
                    "  call void @use(i32 0), !dbg !14\n  call void @use(i32 1), !dbg !9\n  ret void\n}\n");
    SourceTypes types;
    return describe_source(program.function(), types, ModuleVariables()).sites[0].lines;
  };
  const auto alone = lines_of_first("");
  REQUIRE(alone.size() == 2);
  CHECK((alone[0].function == "inner" && alone[0].line == 0 && alone[1].function == "f" && alone[1].line == 3));
  const auto beside = lines_of_first("  fence seq_cst, !dbg !15\n");
  REQUIRE(beside.size() == 2);
  CHECK((beside[0].function == "inner" && beside[0].line == 7));
}

TEST_CASE("a value that is not needed any more is nowhere, and neither is one that is too narrow") {
  CHECK(places_in(R"(
define void @f(i32 %a) !dbg !6 {
  #dbg_value(i32 %a, !8, !DIExpression(), !9)
  call void @use(i32 %a), !dbg !9
  ret void
})")[0]
            .place == VariableAtSite::Place::Nowhere);
  CHECK(places_in(R"(
define i32 @f(i32 %a) !dbg !6 {
  #dbg_value(i32 %a, !12, !DIExpression(), !9)
  call void @use(i32 %a), !dbg !9
  ret i32 %a
})")[0]
            .place == VariableAtSite::Place::Nowhere);
}

TEST_CASE("ways that say different things say nothing") {
  const auto places = places_in(R"(
define i32 @f(i32 %a, i32 %b, i1 %which) !dbg !6 {
  br i1 %which, label %left, label %right
left:
  #dbg_value(i32 %a, !8, !DIExpression(), !9)
  call void @use(i32 1), !dbg !9
  br label %both
right:
  #dbg_value(i32 %b, !8, !DIExpression(), !9)
  call void @use(i32 2), !dbg !9
  br label %both
both:
  call void @use(i32 3), !dbg !9
  %sum = add i32 %a, %b
  ret i32 %sum
})");
  CHECK(places[0].value.index == 0);
  CHECK(places[1].value.index == 1);
  CHECK(places[2].place == VariableAtSite::Place::Nowhere);
}

TEST_CASE("a value of the last round is none of this round") {
  const auto places = places_in(R"(
declare i32 @next()
define void @f() !dbg !6 {
  br label %loop
loop:
  %got = call i32 @next(), !dbg !9
  call void @use(i32 1), !dbg !9
  #dbg_value(i32 %got, !8, !DIExpression(), !9)
  call void @use(i32 %got), !dbg !9
  %more = icmp ne i32 %got, 0
  br i1 %more, label %loop, label %done
done:
  ret void
})");
  REQUIRE(places.size() == 3);
  CHECK(places[0].place == VariableAtSite::Place::Nowhere);
  CHECK(places[1].place == VariableAtSite::Place::Nowhere);
  CHECK(places[2].place == VariableAtSite::Place::Value);
}

TEST_CASE("a variable that others may write is looked up in memory") {
  const auto places = places_in(R"(
define i32 @f(i32 %a) !dbg !6 {
  %v = alloca i32
  #dbg_declare(ptr %v, !8, !DIExpression(), !9)
  store i32 %a, ptr %v, !dbg !9
  call void @take(ptr %v), !dbg !9
  call void @use(i32 2), !dbg !9
  %now = load i32, ptr %v
  ret i32 %now
})");
  CHECK(places[0].place == VariableAtSite::Place::Memory);
  CHECK(places[1].place == VariableAtSite::Place::Memory);
}

TEST_CASE("an assignment whose store has gone counts until somebody may write") {
  const auto places = places_in(R"(
define i32 @f(i32 %a) !dbg !6 {
  %v = alloca i32
  call void @take(ptr %v), !dbg !9
  #dbg_assign(i32 %a, !8, !DIExpression(), !10, ptr %v, !DIExpression(), !9)
  call void @use(i32 1) memory(none), !dbg !9
  call void @use(i32 2), !dbg !9
  %now = load i32, ptr %v
  %sum = add i32 %now, %a
  ret i32 %sum
})");
  REQUIRE(places.size() >= 2);
  CHECK(places[places.size() - 1].place == VariableAtSite::Place::Nowhere);
}

TEST_CASE("debug information makes no difference for the code") {
  const char *text = R"(
define i32 @f(i32 %a) !dbg !6 {
  %v = alloca i32
  #dbg_declare(ptr %v, !8, !DIExpression(), !9)
  store i32 %a, ptr %v, !dbg !9
  call void @take(ptr %v), !dbg !9
  %now = load i32, ptr %v, !dbg !9
  %more = add i32 %now, 1
  call void @use(i32 %more), !dbg !9
  ret i32 %more
})";
  Program all(text), lines(text, DebugInformation::Lines);
  CHECK(fingerprint(all.function()) == fingerprint(lines.function()));
  Program other(std::string(text).replace(std::string(text).find(", 1\n"), 3, ", 2"));
  CHECK(fingerprint(all.function()) != fingerprint(other.function()));
}

} // namespace
} // namespace osr
