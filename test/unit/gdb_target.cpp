// The program that gdb_test looks at: compiled functions registered with the debugger, one of them with its return PC
// rewritten to a stub. gdb stops in osr_stop_here and must see every function up to main.
#include "runtime/code/debugger.h"
#include "runtime/code/eh_frame_builder.h"
#include "runtime/machine/context.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/stack/return_pc.h"
#include "runtime/stack/stub_table.h"
#include "test/unit/jump_stubs.h"
#include "test/unit/mini_jit.h"

#include <cstdio>

using namespace osr;

namespace {

const char *const program = R"(
declare i64 @probe(i64)
define i64 @chain_inner(i64 %x) #0 {
  %r = call i64 @probe(i64 %x)
  %s = add i64 %r, %x
  ret i64 %s
}
define i64 @chain_middle(i64 %x) #0 {
  %y = mul i64 %x, 3
  %r = call i64 @chain_inner(i64 %y)
  %s = add i64 %r, %x
  ret i64 %s
}
define i64 @chain_outer(i64 %x) #1 {
  %y = mul i64 %x, 5
  %r = call i64 @chain_middle(i64 %y)
  %s = add i64 %r, %x
  ret i64 %s
}
attributes #0 = { noinline uwtable "frame-pointer"="none" }
attributes #1 = { noinline uwtable "frame-pointer"="all" }
)";

class JitLookup final : public CodeLookup {
public:
  CodeView find_code(std::uintptr_t pc) const override {
    const test::JitCode *code = jit.find(pc);
    return code ? CodeView{reinterpret_cast<const CodeObject *>(code), code->begin, &code->rows} : CodeView{};
  }
  CodeView view_of(const CodeObject &object) const override {
    const auto &code = reinterpret_cast<const test::JitCode &>(object);
    return {&object, code.begin, &code.rows};
  }
  std::optional<std::int32_t> site_cfa_from_sp(const CodeObject &, std::uintptr_t) const override { return 0; }

  test::MiniJit jit;
};

struct State {
  JitLookup code;
  StubTable stubs;
  test::JumpStubs stub_code;
  std::vector<DebuggerRegistration> registrations;
  std::uintptr_t base = 0;
} *state;

void register_stub(std::uintptr_t entry, const UnwindRow &row) {
  const DebugSymbol symbol{"stub_for_chain_middle", entry - 1, test::JumpStubs::stub_size};
  const std::vector<std::uint8_t> eh_frame = build_eh_frame(entry - 1, test::JumpStubs::stub_size, row);
  state->registrations.emplace_back(DebugCode{entry - 1, test::JumpStubs::stub_size, {&symbol, 1}, eh_frame, 0});
}

/// Rewrites the return PC by which control comes back into chain_middle: the second frame of ours.
void rewrite_middle() {
  ucontext_t here;
  getcontext(&here);
  const StackBounds bounds{state->base, state->base};
  FrameCursor cursor({arch::from_context(here), PcKind::Exact}, state->code, state->stubs, bounds);
  for (unsigned ours = 0; !cursor.done(); cursor.advance())
    if (cursor.frame().code && ++ours == 2) {
      const Frame &frame = cursor.frame();
      const std::uintptr_t stub = state->stub_code.add(frame.pc);
      state->stub_code.seal();
      state->stubs.add(stub, {frame.pc, frame.code, nullptr});
      register_stub(stub, *frame.row);
      ReturnPc(frame, state->stubs).rewrite(stub);
      return;
    }
  std::abort();
}

} // namespace

extern "C" __attribute__((noinline)) void osr_stop_here() { asm volatile(""); }
extern "C" __attribute__((noinline)) void osr_stop_at_the_end() { asm volatile(""); }

extern "C" std::int64_t probe(std::int64_t x) {
  rewrite_middle();
  osr_stop_here();
  return x;
}

__attribute__((noinline)) std::int64_t run(std::int64_t (*function)(std::int64_t)) {
  state->base = std::uintptr_t(__builtin_dwarf_cfa());
  const std::int64_t result = function(1);
  asm volatile("");
  return result;
}

int main() {
  State the_state;
  state = &the_state;
  test::MiniJit &jit = state->code.jit;
  jit.define("probe", reinterpret_cast<void *>(probe));
  jit.add_ir(program);
  auto *outer = jit.function<std::int64_t(std::int64_t)>("chain_outer");
  const test::JitCode &code = *jit.objects()[0];
  std::vector<DebugSymbol> symbols;
  for (const test::JitSymbol &symbol : code.symbols)
    symbols.push_back({symbol.name, symbol.address, symbol.size});
  state->registrations.emplace_back(
      DebugCode{code.begin, code.end - code.begin, symbols, code.eh_frame, code.eh_frame_address});
  const std::int64_t result = run(outer);
  state->registrations.clear();
  osr_stop_at_the_end();
  std::printf("result %ld\n", long(result));
  return result == 15 + 15 + 5 + 1 ? 0 : 1;
}
