// Has memory from operator new as soon as it is loaded, and asks the program for more from a constructor.
#include <string>
#include <vector>

int program_number(int n);

std::vector<std::string> kept{"a text that is longer than what fits into a string",
                              "and another one of which that is true"};
static int asked = program_number(20);

std::vector<std::string> take_kept() { return std::move(kept); }
int what_was_asked() { return asked; }
