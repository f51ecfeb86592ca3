#include "test/unit/stack_fixture.h"

#include <fmt/format.h>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

namespace osr::test {

namespace {

const char *const program = R"(
declare void @probe()
declare void @qsort(ptr, i64, i64, ptr)
define i64 @chain(i64 %n, i64 %x) #0 {
  %last = icmp eq i64 %n, 0
  br i1 %last, label %bottom, label %deeper
bottom:
  call void @probe()
  ret i64 %x
deeper:
  %a = mul i64 %x, 3
  %b = xor i64 %x, %n
  %m = sub i64 %n, 1
  %x1 = add i64 %x, 1
  %r = call i64 @chain(i64 %m, i64 %x1)
  %s = mul i64 %r, 31
  %t = add i64 %s, %a
  %u = mul i64 %b, %n
  %v = add i64 %t, %u
  %w = add i64 %v, %x
  ret i64 %w
}
define i32 @compare(ptr %p, ptr %q) #0 {
  %a = load i64, ptr %p
  %b = load i64, ptr %q
  call void @probe()
  %less = icmp slt i64 %a, %b
  %greater = icmp sgt i64 %a, %b
  %l = zext i1 %less to i32
  %g = zext i1 %greater to i32
  %c = sub i32 %g, %l
  ret i32 %c
}
define i64 @sort(ptr %data, i64 %count) #1 {
  call void @qsort(ptr %data, i64 %count, i64 8, ptr @compare)
  %first = load i64, ptr %data
  ret i64 %first
}
define i64 @fault(ptr %p, i64 %x) #0 {
  call void @probe()
  %v = load i64, ptr %p
  %r = add i64 %v, %x
  ret i64 %r
}
attributes #0 = { noinline uwtable "frame-pointer"="none" }
attributes #1 = { noinline uwtable "frame-pointer"="all" }
)";

std::function<void()> probe_action;
void probe() {
  if (probe_action)
    probe_action();
}

} // namespace

StackWorld::StackWorld() : StackWorld(program, "chain") {}

StackWorld::StackWorld(const std::string &ir, const std::string &entry, void *host_function) {
  jit.define("probe", reinterpret_cast<void *>(probe));
  jit.define("host", host_function);
  jit.add_ir(ir);
  jit.address(entry);
  const JitCode &linked = *jit.objects()[0];
  object.code_begin = linked.begin;
  object.code_size = linked.end - linked.begin;
  object.rows = linked.rows;
  registry.emplace(Extent{linked.begin, linked.end});
  registry->add(object);
  code.emplace(*registry);
}

std::int64_t StackWorld::chain(std::int64_t n, std::int64_t x) {
  return jit.function<std::int64_t(std::int64_t, std::int64_t)>("chain")(n, x);
}
std::int64_t StackWorld::sort(std::int64_t *data, std::size_t count) {
  return jit.function<std::int64_t(std::int64_t *, std::size_t)>("sort")(data, count);
}
std::int64_t StackWorld::fault(std::int64_t *p, std::int64_t x) {
  return jit.function<std::int64_t(std::int64_t *, std::int64_t)>("fault")(p, x);
}

StackWorld &world() {
  static StackWorld instance;
  return instance;
}

std::int64_t expected_chain(std::int64_t n, std::int64_t x) {
  if (n == 0)
    return x;
  return expected_chain(n - 1, x + 1) * 31 + x * 3 + (x ^ n) * n + x;
}

__attribute__((noinline)) void with_base(const std::function<void()> &at_probe, const std::function<void()> &action,
                                         StackWorld &w) {
  w.bounds = {};
  w.bounds.base = w.bounds.end = std::uintptr_t(__builtin_dwarf_cfa());
  probe_action = at_probe;
  action();
  probe_action = nullptr;
}

Walk walk(const WalkStart &start) {
  StackWorld &w = world();
  Walk result;
  FrameCursor cursor(start, *w.code, w.stubs, w.bounds);
  for (; !cursor.done(); cursor.advance())
    result.frames.push_back({cursor.frame(), cursor.registers()});
  result.status = cursor.status();
  result.last_pc = cursor.last_pc();
  return result;
}

WalkStart exact(const ucontext_t &context) { return {arch::from_context(context), PcKind::Exact}; }

std::string Walk::text() const {
  std::string text;
  for (const Activation &frame : frames)
    text += fmt::format("pc {:#x} sp {:#x} cfa {:#x}{}\n", frame.pc, frame.sp, frame.cfa, frame.code ? " ours" : "");
  return text + fmt::format("{} (pc {:#x})\n", describe(status), last_pc);
}

std::vector<std::string> our_functions(const Walk &walk) {
  std::vector<std::string> names;
  for (const Activation &frame : walk.frames) {
    if (!frame.code)
      continue;
    const std::uintptr_t pc = frame.pc - (frame.kind == PcKind::ReturnPc);
    for (const JitSymbol &symbol : world().jit.find(pc)->symbols)
      if (pc - symbol.address < symbol.size)
        names.push_back(symbol.name);
  }
  return names;
}

namespace {

_Unwind_Reason_Code add_frame(_Unwind_Context *context, void *frames) {
  RegisterSet registers{_Unwind_GetIP(context), _Unwind_GetCFA(context), {}};
  constexpr int dwarf_numbers[] = {3, 6, 12, 13, 14, 15};
  for (unsigned i = 0; i < saved_register_count; ++i)
    registers.saved[i] = _Unwind_GetGR(context, dwarf_numbers[i]);
  static_cast<std::vector<RegisterSet> *>(frames)->push_back(registers);
  return _URC_NO_REASON;
}

} // namespace

std::string difference_to_libgcc(const Walk &walk) {
  std::vector<RegisterSet> oracle;
  _Unwind_Backtrace(add_frame, &oracle);
  std::size_t at = 0;
  for (std::size_t i = 1; i < walk.frames.size(); ++i, ++at) {
    const Activation &frame = walk.frames[i];
    while (at < oracle.size() && oracle[at].pc != frame.pc && oracle[at].pc != frame.stub_pc)
      ++at;
    if (at == oracle.size())
      return fmt::format("frame {} at pc {:#x} is not in libgcc's list\n", i, frame.pc) + walk.text();
    if (oracle[at].sp != frame.sp)
      return fmt::format("frame {}: sp {:#x}, but {:#x} by libgcc", i, frame.sp, oracle[at].sp);
    if (oracle[at].saved != frame.registers.saved)
      return fmt::format("frame {}: callee-saved registers differ", i);
  }
  return "";
}

std::string broken_links(const Walk &walk) {
  for (std::size_t i = 0; i < walk.frames.size(); ++i) {
    const Activation &frame = walk.frames[i];
    if (frame.registers.pc != frame.pc || frame.registers.sp != frame.sp)
      return fmt::format("frame {}: registers are not those of the frame", i);
    if (i == 0)
      continue;
    if (walk.frames[i - 1].cfa != frame.sp)
      return fmt::format("frame {}: sp {:#x} is not the CFA {:#x} of the newer one", i, frame.sp,
                         walk.frames[i - 1].cfa);
    if (frame.return_pc_slot != frame.sp - 8)
      return fmt::format("frame {}: return-PC slot {:#x}, sp {:#x}", i, frame.return_pc_slot, frame.sp);
    if (load_word(frame.return_pc_slot) != (frame.stub_pc ? frame.stub_pc : frame.pc))
      return fmt::format("frame {}: the return-PC slot holds something else", i);
  }
  return "";
}

bool aborts(const std::function<void()> &action) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    std::fclose(stderr);
    action();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

} // namespace osr::test
