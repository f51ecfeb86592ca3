// Tells which library it is for, and what it was given, also to its children.
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

[[gnu::noinline]] static int checked(int number) {
  if (number % 3 == 0)
    throw std::out_of_range("divisible: " + std::to_string(number));
  return number;
}

int main(int argc, char **argv) {
  std::size_t caught = 0;
  int sum = 0;
  for (int i = 0; i < 300; ++i)
    try {
      sum += checked(i);
    } catch (const std::logic_error &error) {
      caught += std::string(error.what()).size();
    }
#ifdef _LIBCPP_VERSION
  std::cout << "libc++: ";
#endif
  std::cout << sum << ' ' << caught << std::endl;
  if (argc == 1)
    return 7;
  std::cout << argc - 1 << " arguments:";
  for (int i = 1; i < argc; ++i)
    std::cout << " [" << argv[i] << ']';
  std::cout << std::endl;
  return std::system("echo child: LD_PRELOAD=$LD_PRELOAD") == 0 ? 7 : 1;
}
