// lox FILE, or lines as they are typed.
#include "jit.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

namespace lox {
namespace {

constexpr const char *usage = R"(usage: lox [OPTION...] [FILE]    without FILE: reads lines, and runs each
  --mode interpret|baseline|optimized|auto
                         auto (usual): interpreted first, compiled when called often, then optimised where it is hot
  --compile-after N      calls until a function is compiled
  --osr-stress FORM      replaces frames of compiled functions all the time: every, random:SEED, async:HZ, ...
  --gc-stress            collects at every allocation, and makes the old space unreadable
  --dump-ir              shows what is compiled
  --stats                what the runtime did, on stderr, in the end
)";

struct Arguments {
  JitOptions jit;
  Heap::Stress heap = Heap::Stress::Off;
  bool stats = false;
  std::string file;
};

[[noreturn]] void refuse(const std::string &what) {
  std::fprintf(stderr, "lox: %s\n%s", what.c_str(), usage);
  std::exit(64);
}

Mode parse_mode(const std::string &text) {
  if (text == "interpret")
    return Mode::Interpret;
  if (text == "baseline")
    return Mode::Baseline;
  if (text == "optimized")
    return Mode::Optimized;
  if (text == "auto")
    return Mode::Auto;
  refuse("no mode '" + text + "'");
}

std::uint32_t parse_number(const std::string &text) {
  char *end = nullptr;
  const unsigned long number = std::strtoul(text.c_str(), &end, 10);
  if (text.empty() || *end || number > 1'000'000)
    refuse("'" + text + "' is no number up to 1000000");
  return std::uint32_t(number);
}

osr::StressMode parse_stress(const std::string &text) {
  auto mode = osr::StressMode::parse(text == "async" ? "async:200" : text == "random" ? "random:1" : text);
  if (!mode)
    refuse(llvm::toString(mode.takeError()));
  return *mode;
}

Arguments parse(int count, char **words) {
  Arguments arguments;
  for (int i = 1; i != count; ++i) {
    std::string word = words[i];
    std::optional<std::string> behind_equals;
    if (const std::size_t equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
      behind_equals = word.substr(equals + 1);
      word.resize(equals);
    }
    const auto value = [&] {
      if (behind_equals)
        return *std::exchange(behind_equals, std::nullopt);
      if (++i == count)
        refuse(word + " needs a value");
      return std::string(words[i]);
    };
    if (word == "--mode")
      arguments.jit.mode = parse_mode(value());
    else if (word == "--compile-after")
      arguments.jit.compile_after = parse_number(value());
    else if (word == "--osr-stress")
      arguments.jit.stress = parse_stress(value());
    else if (word == "--gc-stress")
      arguments.heap = Heap::Stress::EachAllocation;
    else if (word == "--stats")
      arguments.stats = true;
    else if (word == "--dump-ir")
      arguments.jit.dump = true;
    else if (word.starts_with("-") || !arguments.file.empty())
      refuse(word == "--help" ? "a language on a runtime that replaces frames" : "'" + word + "' was not expected");
    else
      arguments.file = word;
    if (behind_equals)
      refuse(word + " takes no value");
  }
  return arguments;
}

int run_file(Machine &machine, const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "lox: %s: %s\n", path.c_str(), std::strerror(errno));
    return 74;
  }
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  return machine.run(source);
}

/// Each line is a script of its own; one with open braces goes on in the next.
int run_lines(Machine &machine) {
  std::string source, line;
  const bool is_terminal = isatty(STDIN_FILENO) != 0;
  const auto ask = [&] {
    if (is_terminal)
      std::fputs(source.empty() ? "> " : "| ", stdout);
    std::fflush(stdout);
  };
  while (ask(), std::getline(std::cin, line)) {
    source += line + "\n";
    if (std::count(source.begin(), source.end(), '{') > std::count(source.begin(), source.end(), '}'))
      continue;
    machine.run(source);
    source.clear();
  }
  if (is_terminal)
    std::putchar('\n');
  return 0;
}

int run(const Arguments &arguments) {
  Machine machine(arguments.heap);
  if (arguments.jit.mode == Mode::Interpret)
    return arguments.file.empty() ? run_lines(machine) : run_file(machine, arguments.file);
  auto jit = Jit::create(machine, arguments.jit);
  auto thread = osr::ThreadAttachment::attach();
  if (!jit || !thread) {
    std::fprintf(stderr, "lox: %s\n", llvm::toString(llvm::joinErrors(jit.takeError(), thread.takeError())).c_str());
    return 71;
  }
  machine.jit = std::move(*jit);
  // The runtime looks at the stack from here on; compiled functions are called as any others then.
  const auto body = [](Machine *machine, const std::string *file) {
    return std::uint64_t(file->empty() ? run_lines(*machine) : run_file(*machine, *file));
  };
  std::uint64_t (*const function)(Machine *, const std::string *) = body;
  const auto status =
      int(thread->call(reinterpret_cast<std::uint64_t>(function), reinterpret_cast<std::uint64_t>(&machine),
                       reinterpret_cast<std::uint64_t>(&arguments.file)));
  if (const auto statistics = machine.jit->runtime().snapshot(); statistics && arguments.stats)
    std::fprintf(stderr, "%s\n", statistics->to_json().c_str());
  return status;
}

/// On a stack of its own: a Lox stack that is full takes as many frames of compiled code.
int run_on_large_stack(Arguments &arguments) {
  struct Work {
    Arguments &arguments;
    int status;
  } work{arguments, 0};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t(1) << 30);
  pthread_t thread;
  const auto body = [](void *pointer) -> void * {
    auto *work = static_cast<Work *>(pointer);
    work->status = run(work->arguments);
    return nullptr;
  };
  if (pthread_create(&thread, &attributes, body, &work) != 0) {
    std::fprintf(stderr, "lox: no memory for a stack\n");
    return 71;
  }
  pthread_join(thread, nullptr);
  return work.status;
}

} // namespace
} // namespace lox

int main(int count, char **words) {
  lox::Arguments arguments = lox::parse(count, words);
  return lox::run_on_large_stack(arguments);
}
