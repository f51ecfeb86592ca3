// Throws through the other module, by inline functions and types that both have.
#include "modules_shared.h"

namespace {
struct Local {
  long value;
};

struct Registered {
  Registered() { names.push_back("right"); } // its module's, after the inline ones
} registered;

long refuse(long value) { throw Wrapped<int>(int(value)); }
} // namespace

long thrown_on_the_right(int kind, long value) {
  Noted noted(kind + 10);
  word += kind == 0 ? "r" : "";
  switch (kind) {
  case 0: return descend(int(value % 7), value);
  case 1: throw Wrapped<int>(int(value));
  case 2: throw Wrapped<char>(char(value % 100));
  case 3: throw Local{value};
  case 4: throw value;
  case 5: return call_back(refuse, value); // here, there, and back
  case 6: return left_kept();
  default: return typeid(Wrapped<long>) == left_type() ? counter()++ : throw 0;
  }
}
