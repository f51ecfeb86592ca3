#include "osr_fixture.h"

#include "compiler/codegen/target.h"
#include "osr-stubs/result_area.h"
#include "runtime/stack/registry_lookup.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;

namespace osr {
namespace {

OsrProgram *running = nullptr;

double real_function(double value) { return value * 0.5 + 1.0; }

CanonicalProgram canonical(const std::string &text, LLVMContext &context) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context);
  INFO(diagnostic.getMessage().str() << " in line " << diagnostic.getLineNo() << " of\n" << text);
  REQUIRE(module);
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  return cantFail(canonicalize(std::move(module), *machine));
}

} // namespace

OsrProgram::OsrProgram(const std::string &text, StubKind kind, Mechanism mechanism, bool shadow_stack)
    : arena_(cantFail(SlabArena::create())), session_(cantFail(CodeSession::create(*arena_))),
      registry_(std::make_unique<CodeRegistry>(arena_->range(SlabKind::Code))),
      points_(std::make_unique<ReturnPointTable>(CodePatcher(*arena_))),
      redirector_(mechanism == Mechanism::ReturnPc ? rewrite_return_pcs(table_)
                                                   : patch_return_points(*points_, no_handshake_)),
      entries_(cantFail(EntryTable::create(*arena_))),
      compiler_(cantFail(
          Compiler::create(canonical(text, context_), {.object_stack_offset = object_stack_tls_offset(),
                                                       .verify_each_pass = true,
                                                       .patchable_returns = mechanism == Mechanism::ReturnPoint}))),
      versions_(std::make_unique<VersionStore>(*compiler_, *session_, *registry_, statistics_)),
      stubs_(std::make_unique<StubFactory>(*versions_, *registry_, *arena_, table_, statistics_, kind, Fault(),
                                           rules_for(mechanism, shadow_stack))),
      object_stack_(cantFail(ObjectStack::reserve(1 << 20))) {
  const CanonicalProgram &program = compiler_->program();
  session_->add_observer(*points_);
  cantFail(entries_->reserve(program.functions.size()));
  std::vector<AbsoluteSymbol> symbols = {{"ext", reinterpret_cast<std::uint64_t>(&osr_test_probe)},
                                         {"real", reinterpret_cast<std::uint64_t>(&real_function)}};
  for (const FunctionInfo &function : program.functions)
    symbols.emplace_back(function.name, entries_->entry_address(function.id));
  for (std::uint8_t vector_bytes : {0, 16, 32, 64})
    for (std::uint8_t x87 : {0, 1, 2}) {
      ResultPad pad = result_pad({.general = true, .vector_bytes = vector_bytes, .x87 = x87});
      symbols.emplace_back(pad.symbol, pad.address);
    }
  cantFail(session_->define_symbols(symbols));
  cantFail(versions_->add_foreign(cantFail(session_->link(cantFail(compiler_->compile_globals())))));
  object_stack_->install();
  REQUIRE_FALSE(running);
  running = this;
}

OsrProgram::~OsrProgram() {
  running = nullptr;
  object_stack_->uninstall();
}

FunctionId OsrProgram::id(const std::string &name) const {
  const FunctionInfo *info = compiler_->program().find_function(name);
  REQUIRE(info);
  return info->id;
}

const Version &OsrProgram::version(const std::string &name, Tier tier, std::optional<std::uint32_t> continuation) {
  return *cantFail(versions_->find_or_compile({id(name), tier, continuation}));
}

SiteRecord OsrProgram::record(const Version &version, SiteId site) const {
  std::vector<SiteRecord> found;
  version.object.sites.for_each([&](const SiteRecord &record) {
    if (record.frames.back().site == site)
      found.push_back(record);
  });
  REQUIRE(found.size() == 1);
  return found[0];
}

void OsrProgram::use(const std::string &name, Tier tier) {
  entries_->set_target(id(name), version(name, tier).object.entry_pc);
}

std::vector<Frame> OsrProgram::stack() const {
  WalkStart start;
  start.registers.pc = probe_->return_pc;
  start.registers.sp = reinterpret_cast<std::uintptr_t>(&probe_->return_pc) + word_size;
  start.registers.saved = {probe_->saved[0], probe_->saved[1], probe_->saved[2],
                           probe_->saved[3], probe_->saved[4], probe_->saved[5]};
  StackBounds bounds;
  bounds.base = bounds.end = guard_.cfa;
  std::vector<Frame> frames;
  RegistryLookup lookup(*registry_, entries_.get());
  FrameCursor cursor(start, lookup, table_, bounds);
  for (; !cursor.done(); cursor.advance())
    frames.push_back(cursor.frame());
  CHECK(cursor.status() == WalkStatus::ReachedBase);
  return frames;
}

void OsrProgram::replace(std::size_t depth, Landing landing) {
  std::vector<Frame> frames = stack();
  const Frame &frame = frames.at(depth);
  auto stub = stubs_->find_or_make(frame.pc, landing);
  if (!stub) {
    std::string reason = toString(stub.takeError());
    FAIL_CHECK(reason);
    return;
  }
  redirector_->reserve(1);
  CHECK(redirector_->redirect(frame, (*stub)->entry_pc));
  redirector_->finish();
  std::vector<Frame> again = stack(); // a walk sees what it saw before
  CHECK(again.size() == frames.size());
  CHECK(again.at(depth).pc == frame.pc);
  CHECK(stub_of(again.at(depth)) == (*stub)->entry_pc);
}

void OsrProgram::restore() {
  redirector_->release([](auto, auto) { return true; });
  redirector_->finish();
}

std::uint64_t OsrProgram::run(const std::string &name, std::uint64_t first, std::uint64_t second, double real,
                              void *memory) {
  guard_ = {};
  guard_.target = entries_->entry_address(id(name));
  guard_.integers = {first, second, reinterpret_cast<std::uint64_t>(memory)};
  guard_.real = real;
  for (unsigned i = 0; i < guard_.before.size(); ++i)
    guard_.before[i] = 0xa5a5'0000'1111'2222 + first * 0x9e37'79b9 + i * 0x0101'0101'0101'0101;
  char *top = osr_object_stack_top;
  osr_test_guarded_call(&guard_);
  CHECK(guard_.after == guard_.before);
  CHECK(guard_.sp_after == guard_.cfa);
  CHECK(osr_object_stack_top == top);
  return guard_.result;
}

std::uint64_t OsrProgram::probed(ProbeFrame &frame, std::uint64_t argument) {
  probe_ = &frame;
  std::uint64_t result = on_ext ? on_ext(argument) : argument;
  probe_ = nullptr;
  return result;
}

} // namespace osr

std::uint64_t osr_test_probed(osr::ProbeFrame *frame, std::uint64_t argument) {
  return osr::running->probed(*frame, argument);
}
