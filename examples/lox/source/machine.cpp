#include "machine.h"

#include "compiler.h"
#include "jit.h"
#include "operations.h"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace lox {
namespace {

constexpr std::size_t stack_values = std::size_t(1) << 18;
constexpr std::size_t spare_values = 1024; // above the limit: for what runtime functions push
constexpr std::size_t most_globals = 1 << 16;
constexpr std::size_t longest_trace = 64; // lines; the middle of a longer one is left out

std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2'166'136'261;
  for (const char c : text)
    hash = (hash ^ std::uint8_t(c)) * 16'777'619;
  return hash;
}

Value *map_values(std::size_t count) {
  void *values =
      mmap(nullptr, count * sizeof(Value), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (values == MAP_FAILED) {
    std::fprintf(stderr, "lox: no memory for the stack\n");
    std::exit(71);
  }
  return static_cast<Value *>(values);
}

Value clock_native(int, Value *) { return Value::number(double(std::clock()) / CLOCKS_PER_SEC); }

} // namespace

Machine *Machine::the_ = nullptr;

Machine::Machine(Heap::Stress stress) : heap(stress, [this](Heap::Mover &mover) { visit_roots(mover); }) {
  the_ = this;
  stack = top = map_values(stack_values);
  stack_limit = stack + stack_values - spare_values;
  globals = map_values(most_globals);
  const std::size_t clock = global("clock");
  auto *native = heap.make<Native>();
  native->function = &clock_native;
  globals[clock] = Value::object(native);
}

Machine::~Machine() = default;

const Symbol *Machine::symbol(std::string_view name) {
  if (const auto found = symbols_.find(name); found != symbols_.end())
    return found->second.get();
  auto symbol = std::make_unique<Symbol>(Symbol{std::string(name), hash_of(name)});
  const std::string_view key = symbol->text;
  return symbols_.emplace(key, std::move(symbol)).first->second.get();
}

std::size_t Machine::global(std::string_view name) {
  const Symbol *symbol = this->symbol(name);
  const auto [found, is_new] = global_numbers_.emplace(symbol, global_names.size());
  if (is_new) {
    globals[found->second] = Value::undefined();
    global_names.push_back(symbol);
  }
  return found->second;
}

Code *Machine::new_code() {
  Code &code = codes.emplace_back();
  code.id = std::uint32_t(codes.size()) - 1;
  code.entry = &interpret;
  return &code;
}

Value Machine::new_string(std::string_view text) {
  auto *string = heap.make<String>(text.size());
  string->length = text.size();
  std::copy(text.begin(), text.end(), string->text);
  return Value::object(string);
}

void Machine::visit_roots(Heap::Mover &mover) {
  for (Value *value = stack; value != top; ++value)
    mover.move(*value);
  for (std::size_t i = 0; i != global_names.size(); ++i)
    mover.move(globals[i]);
  for (Code &code : codes)
    for (Value &constant : code.constants)
      mover.move(constant);
  mover.move_pointer(open_upvalues);
}

int Machine::run(std::string_view source) {
  Code *script = Compiler(*this, source).compile();
  if (!script)
    return 65;
  top = stack;
  frames.clear();
  auto *closure = heap.make<Closure>();
  closure->code = script;
  stack[0] = Value::object(closure);
  const Value result = script->entry(stack, script);
  std::fflush(stdout);
  if (!result.is_error())
    return 0;
  report();
  open_upvalues = nullptr;
  return 70;
}

Value Machine::error(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  message_ = text;
  trace_.clear();
  return Value::error();
}

void Machine::report() {
  std::fprintf(stderr, "%s\n", message_.c_str());
  const std::size_t count = trace_.size();
  for (std::size_t i = 0; i != count; ++i) {
    if (count > longest_trace && i == longest_trace / 2) {
      std::fprintf(stderr, "... %zu more\n", count - longest_trace);
      i = count - longest_trace / 2;
    }
    std::fprintf(stderr, "[line %d] in %s\n", trace_[i].line, described(*trace_[i].code).c_str());
  }
}

} // namespace lox
