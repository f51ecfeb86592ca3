#include "osr_fixture.h"

#include "compiler/target/target.h"
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
    : engine_(cantFail(Engine::create(canonical(text, context_), {.compile = {.verify_each_pass = true},
                                                                  .mechanism = mechanism,
                                                                  .has_shadow_stack = shadow_stack,
                                                                  .stubs = kind}))),
      object_stack_(cantFail(ObjectStack::reserve(1 << 20))) {
  cantFail(engine_->define_symbols({{"ext", reinterpret_cast<std::uint64_t>(&osr_test_probe)},
                                    {"real", reinterpret_cast<std::uint64_t>(&real_function)}}));
  cantFail(engine_->link_globals());
  object_stack_->install();
  REQUIRE_FALSE(running);
  running = this;
}

OsrProgram::~OsrProgram() {
  running = nullptr;
  object_stack_->uninstall();
}

FunctionId OsrProgram::id(const std::string &name) const {
  const FunctionInfo *info = engine_->program().find_function(name);
  REQUIRE(info);
  return info->id;
}

const Version &OsrProgram::version(const std::string &name, Tier tier, std::optional<std::uint32_t> continuation) {
  return *cantFail(engine_->maker().find_or_compile({id(name), tier, continuation}));
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
  engine_->entries().set_target(EntryId(id(name)), version(name, tier).object.entry_pc);
}

std::vector<Frame> OsrProgram::stack() const {
  WalkStart start;
  start.registers.pc = probe_->return_pc;
  start.registers.sp = reinterpret_cast<std::uintptr_t>(&probe_->return_pc) + word_size;
  start.registers.saved = {probe_->saved[0], probe_->saved[1], probe_->saved[2],
                           probe_->saved[3], probe_->saved[4], probe_->saved[5]};
  std::vector<Frame> frames;
  const RegistryLookup lookup = engine_->lookup();
  FrameCursor cursor(start, lookup, engine_->stub_table(), bounds());
  for (; !cursor.done(); cursor.advance())
    frames.push_back(cursor.frame());
  CHECK(cursor.status() == WalkStatus::ReachedBase);
  return frames;
}

Expected<const ReturnStub *> OsrProgram::make_stub(std::uint64_t return_pc, Landing landing) {
  const ReturnSite site = engine_->registry().find_return_site(return_pc);
  return site ? engine_->maker().find_or_make_stub(*site.object, return_pc, landing)
              : Expected<const ReturnStub *>(make_error("the return PC is no site"));
}

void OsrProgram::replace(std::size_t depth, Landing landing) {
  std::vector<Frame> frames = stack();
  const Frame &frame = frames.at(depth);
  auto stub = make_stub(frame.pc, landing);
  if (!stub) {
    std::string reason = toString(stub.takeError());
    FAIL_CHECK(reason);
    return;
  }
  engine_->redirector().reserve(1);
  CHECK(engine_->redirector().redirect(frame, (*stub)->entry_pc));
  engine_->redirector().finish();
  std::vector<Frame> again = stack(); // a walk sees what it saw before
  CHECK(again.size() == frames.size());
  CHECK(again.at(depth).pc == frame.pc);
  CHECK(stub_of(again.at(depth)) == (*stub)->entry_pc);
}

void OsrProgram::restore() {
  engine_->redirector().release([](auto, auto) { return true; });
  engine_->redirector().finish();
}

std::uint64_t OsrProgram::run(const std::string &name, std::uint64_t first, std::uint64_t second, double real,
                              void *memory) {
  guard_ = {};
  guard_.target = engine_->entries().entry_address(EntryId(id(name)));
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
