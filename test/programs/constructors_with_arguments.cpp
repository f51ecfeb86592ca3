// Check static constructors of C++ among lists of functions: priorities, what they are called with, what they throw;
// and that arguments lie one behind the other, as programs expect that write a title over them.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::vector<std::string> &journal() {
  static std::vector<std::string> lines;
  return lines;
}

struct Stage {
  explicit Stage(const char *name) : name_(name) { journal().push_back(name); }
  ~Stage() { std::printf("end of %s\n", name_); }
  const char *name_;
};

Stage usual("usual");
__attribute__((init_priority(400))) Stage sooner("sooner");
__attribute__((init_priority(101))) Stage soonest("soonest");

int arguments = -1;
const char *first_argument = "";

[[gnu::noinline]] int parse(int argc, char **argv) {
  if (argc < 1 || !argv[0][0])
    throw std::invalid_argument("no name");
  return argc;
}

__attribute__((constructor(300))) void read_arguments(int argc, char **argv, char **envp) {
  try {
    arguments = parse(argc, argv);
    first_argument = argc > 1 ? argv[1] : "none";
    journal().push_back(envp && envp[0] ? "with environment" : "without environment");
    parse(0, argv);
  } catch (const std::invalid_argument &error) {
    journal().push_back(error.what());
  }
}

extern "C" void listed(int argc, char **argv) { journal().push_back("listed " + std::to_string(argc == arguments)); }
__attribute__((section(".init_array"), used, aligned(8))) void (*list[2])(int, char **) = {listed, listed};

template <typename T> struct Lazy {
  static Stage stage;
};
template <typename T> Stage Lazy<T>::stage(sizeof(T) == 4 ? "four" : "other");

} // namespace

int main(int argc, char **argv) {
  std::printf("%s\n", Lazy<int>::stage.name_);
  for (const std::string &line : journal())
    std::printf("%s\n", line.c_str());
  for (int i = 1; i < argc; ++i)
    if (argv[i] != argv[i - 1] + std::strlen(argv[i - 1]) + 1)
      return 2;
  std::memset(argv[0], 't', std::size_t(argv[argc - 1] + std::strlen(argv[argc - 1]) - argv[0]));
  std::printf("%d\n", argv[argc - 1][0] == 't');
  return argc == arguments && (argc == 1 || first_argument == argv[1]) ? 0 : 1;
}
