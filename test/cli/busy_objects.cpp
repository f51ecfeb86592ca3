// Check that objects of a program are destroyed in their order while a function of it is being optimised, by functions that
// are compiled for the first time then.
#include "busy_endings.h"
#include <map>
#include <stdexcept>
#include <string>

struct Named {
  std::string name;
  std::map<std::string, int> used;
  explicit Named(const char *text) : name(text) { used[name] = int(name.size()); }
  ~Named() {
    try {
      used.at("missing");
    } catch (const std::out_of_range &) {
      printf("%s goes, %d\n", name.c_str(), used.at(name));
    }
  }
};

Named global("a global");
thread_local Named of_thread("a thread's");

int main() {
  static Named local("a local");
  of_thread.used["more"] = 1;
  make_compiler_busy();
  return local.used.size() == 1 ? 4 : 5;
}
