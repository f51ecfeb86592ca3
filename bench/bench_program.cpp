#include "bench/bench_program.h"

#include "bench/require.h"
#include "compiler/canonical/load.h"
#include "compiler/codegen/target.h"
#include "osr-stubs/result_area.h"

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
    : arena_(cantFail(SlabArena::create())), session_(cantFail(CodeSession::create(*arena_))),
      registry_(std::make_unique<CodeRegistry>(arena_->range(SlabKind::Code))),
      compiler_(
          cantFail(Compiler::create(canonical(ir, context_), {.object_stack_offset = object_stack_tls_offset()}))),
      versions_(std::make_unique<VersionStore>(*compiler_, *session_, *registry_, statistics_)),
      object_stack_(cantFail(ObjectStack::reserve(1 << 20))) {
  for (StubKind kind : {StubKind::Generated, StubKind::Interpreted})
    stubs_[unsigned(kind)] = std::make_unique<StubFactory>(*versions_, *registry_, *arena_, table_, statistics_, kind);
  std::vector<AbsoluteSymbol> symbols = host_symbols;
  for (std::uint8_t vector_bytes : {0, 16, 32, 64})
    for (std::uint8_t x87 : {0, 1, 2}) {
      ResultPad pad = result_pad({.general = true, .vector_bytes = vector_bytes, .x87 = x87});
      symbols.emplace_back(pad.symbol, pad.address);
    }
  cantFail(session_->define_symbols(symbols));
  cantFail(versions_->add_foreign(cantFail(session_->link(cantFail(compiler_->compile_globals())))));
  object_stack_.install();
}

BenchProgram::~BenchProgram() { object_stack_.uninstall(); }

const Version &BenchProgram::version(const std::string &name, Tier tier) {
  const FunctionInfo *info = compiler_->program().find_function(name);
  require(info != nullptr, "no such function in the program");
  return *cantFail(versions_->find_or_compile({info->id, tier, std::nullopt}));
}

std::uint64_t BenchProgram::stub(std::uint64_t return_pc, Landing landing, StubKind kind) {
  return cantFail(stubs_[unsigned(kind)]->find_or_make(return_pc, landing))->entry_pc;
}

} // namespace osr
