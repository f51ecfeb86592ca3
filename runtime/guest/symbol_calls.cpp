#include "runtime/guest/symbol_calls.h"

#include "compiler/base/address_of.h"
#include "runtime/code/range_map.h"
#include "runtime/threads/undisturbed.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>
#include <mutex>
#include <string>
#include <sys/uio.h>
#include <unwind.h>
#include <utility>

namespace osr {
namespace {

constinit RangeMap<const CodeNames> installed;

std::optional<CodeNames::Name> find_name(const void *address) noexcept {
  const auto wanted = reinterpret_cast<std::uint64_t>(address);
  return installed.use_at(wanted, [wanted](const CodeNames *names) { // of any address, whoever's
    return names ? names->find(wanted) : std::nullopt;
  });
}

int program_dladdr(const void *address, Dl_info *info) {
  const auto name = find_name(address);
  if (!name)
    return dladdr(address, info);
  auto *begin = reinterpret_cast<void *>(name->begin);
  *info = {name->code, begin, name->function, begin};
  return 1;
}

bool is_hidden(std::uint64_t return_pc) noexcept {
  const CodeNames *names = installed.find(return_pc - 1);
  return names && names->is_hidden(return_pc);
}

struct Backtrace {
  void **buffer;
  int size;
  int count = -1; ///< of addresses; -1: its own frame comes first
};

_Unwind_Reason_Code note_frame(_Unwind_Context *context, void *data) {
  auto &trace = *static_cast<Backtrace *>(data);
  const std::uintptr_t pc = _Unwind_GetIP(context);
  if (trace.count >= 0 && is_hidden(pc))
    return _URC_NO_REASON;
  if (trace.count >= 0)
    trace.buffer[trace.count] = reinterpret_cast<void *>(pc);
  return ++trace.count == trace.size ? _URC_END_OF_STACK : _URC_NO_REASON;
}

int program_backtrace(void **buffer, int size) {
  Backtrace trace{buffer, size};
  if (size > 0)
    _Unwind_Backtrace(note_frame, &trace);
  if (trace.count > 1 && !buffer[trace.count - 1]) // where the stack begins
    --trace.count;
  return std::max(trace.count, 0);
}

/// What the program's own walk calls for each frame.
struct Walk {
  _Unwind_Trace_Fn visit;
  void *data;
  bool began = false; ///< its own frame, which comes first, was seen
};

_Unwind_Reason_Code show_frame(_Unwind_Context *context, void *data) {
  auto &walk = *static_cast<Walk *>(data);
  if (!std::exchange(walk.began, true) || is_hidden(_Unwind_GetIP(context)))
    return _URC_NO_REASON;
  return walk.visit(context, walk.data);
}

_Unwind_Reason_Code program_unwind_backtrace(_Unwind_Trace_Fn visit, void *data) {
  Walk walk{visit, data};
  return _Unwind_Backtrace(show_frame, &walk);
}

std::string line_of(void *address) {
  if (const auto name = find_name(address))
    return fmt::format("{}({}+{:#x}) [{}]", name->code, name->function, name->offset, fmt::ptr(address));
  char **lines = backtrace_symbols(&address, 1);
  std::string line = lines ? lines[0] : "";
  std::free(lines);
  return line;
}

/// One piece of memory, which the program frees: the pointers, then what they point to.
char **program_backtrace_symbols(void *const *addresses, int count) {
  Undisturbed undisturbed;
  std::vector<std::string> lines;
  std::size_t size = 0;
  for (int i = 0; i < count; ++i)
    size += sizeof(char *) + lines.emplace_back(line_of(addresses[i])).size() + 1;
  auto **pointers = static_cast<char **>(std::malloc(size));
  if (!pointers)
    return nullptr;
  char *next = reinterpret_cast<char *>(pointers + lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    pointers[i] = next;
    std::memcpy(next, lines[i].c_str(), lines[i].size() + 1);
    next += lines[i].size() + 1;
  }
  return pointers;
}

/// A number in a buffer of its own.
struct Hexadecimal {
  explicit Hexadecimal(std::uint64_t value) {
    do
      text[--begin] = "0123456789abcdef"[value % 16];
    while ((value /= 16) != 0);
  }
  iovec piece() { return {text + begin, sizeof text - begin}; }

  char text[16];
  std::size_t begin = sizeof text;
};

iovec piece(const char *text) { return {const_cast<char *>(text), std::strlen(text)}; }

/// Programs call it from handlers of SIGSEGV: nothing is allocated and no lock is taken.
void program_backtrace_symbols_fd(void *const *addresses, int count, int file) {
  for (int i = 0; i < count; ++i) {
    const auto name = find_name(addresses[i]);
    if (!name) {
      backtrace_symbols_fd(addresses + i, 1, file);
      continue;
    }
    Hexadecimal offset(name->offset), address(reinterpret_cast<std::uint64_t>(addresses[i]));
    const iovec pieces[] = {piece(name->code), piece("("),     piece(name->function), piece("+0x"),
                            offset.piece(),    piece(") [0x"), address.piece(),       piece("]\n")};
    [[maybe_unused]] const ssize_t written = writev(file, pieces, std::size(pieces)); // as the C library does
  }
}

} // namespace

std::optional<CodeNames::Name> CodeNames::find(std::uint64_t address) const noexcept {
  return registry_.with_found(address, [&](const CodeObject *object) -> std::optional<Name> {
    std::uint64_t pc = address;
    const char *code = object ? object->name : nullptr;
    for (const std::uint64_t before : {0, 1}) // who looks a return PC up by the byte before it means the same frame
      if (const auto stub = stubs_.find(address + before)) { // stands for a site of this code
        object = stub->code;
        code = "osr_stub";
        pc = stub->original_pc - before;
        break;
      }
    if (object && object->function_name)
      return Name{code, object->function_name, object->entry_pc, pc - object->entry_pc};
    if (const auto entry = entries_.find_entry(address); entry && index_of(*entry) < functions_.size())
      return Name{"osr_entry", functions_[index_of(*entry)], address, 0};
    return std::nullopt;
  });
}

void CodeNames::install() { installed.add(addresses_, *this); }

CodeNames::~CodeNames() { installed.remove(*this); }

std::vector<AbsoluteSymbol> symbol_call_symbols() {
  return {{"backtrace", address_of(program_backtrace)},
          {"_Unwind_Backtrace", address_of(program_unwind_backtrace)},
          {"dladdr", address_of(program_dladdr)},
          {"backtrace_symbols", address_of(program_backtrace_symbols)},
          {"backtrace_symbols_fd", address_of(program_backtrace_symbols_fd)}};
}

} // namespace osr
