#include "bench/bench_program.h"

#include "bench/require.h"
#include "compiler/canonical/load.h"
#include "compiler/target/target.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;

namespace osr {
namespace {

CanonicalProgram canonical(const std::string &ir, LLVMContext &context) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(ir, diagnostic, context);
  require(module != nullptr, diagnostic.getMessage().str().c_str());
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  return cantFail(canonicalize(std::move(module), *machine));
}

} // namespace

BenchProgram::BenchProgram(const std::string &ir, const std::vector<AbsoluteSymbol> &host_symbols)
    : engine_(cantFail(Engine::create(canonical(ir, context_), {}))),
      interpreted_(std::make_unique<StubFactory>(engine_->versions(), engine_->arena(), engine_->stub_table(),
                                                 engine_->statistics(), StubKind::Interpreted)),
      interpreting_maker_(engine_->compiler(), engine_->versions(), *interpreted_, engine_->effort(),
                          engine_->statistics()),
      object_stack_(cantFail(ObjectStack::reserve(1 << 20))) {
  cantFail(engine_->define_symbols(host_symbols));
  cantFail(engine_->link_globals());
  object_stack_.install();
}

BenchProgram::~BenchProgram() { object_stack_.uninstall(); }

const Version &BenchProgram::version(const std::string &name, Tier tier) {
  const FunctionInfo *info = engine_->program().find_function(name);
  require(info != nullptr, "no such function in the program");
  return *cantFail(engine_->maker().find_or_compile({info->id, tier, std::nullopt}));
}

std::uint64_t BenchProgram::stub(std::uint64_t return_pc, Landing landing, StubKind kind) {
  const CodeObject &code = *engine_->registry().find(return_pc - 1);
  VersionMaker &maker = kind == StubKind::Generated ? engine_->maker() : interpreting_maker_;
  return cantFail(maker.find_or_make_stub(code, return_pc, landing))->entry_pc;
}

} // namespace osr
