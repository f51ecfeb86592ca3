// Main: catches by types of its own what the other module throws by its.
#include "modules_shared.h"

#include <cstdio>

namespace {
struct Local { // another one of this name is in the other module
  long value;
};

long attempt(int kind, long value) {
  const double weight = double(value) * 0.5;
  try {
    Noted noted(kind);
    return thrown_on_the_right(kind, value);
  } catch (const Wrapped<int> &wrapped) {
    return wrapped.weight() + 1;
  } catch (const Failure &failure) {
    return failure.weight() + long(std::string(failure.what()).size());
  } catch (const Local &local) {
    return local.value; // never: a type without linkage
  } catch (long thrown) {
    return thrown + long(weight);
  } catch (...) {
    return -value;
  }
}

long throwing_callback(long value) {
  Noted noted(value);
  return value % 2 ? throw value : descend(int(value % 5), value);
}
} // namespace

const std::type_info &left_type() { return typeid(Wrapped<long>); }

long call_back(Callback callback, long value) {
  Noted noted(value + 50);
  try {
    return callback(value) + 1;
  } catch (const Failure &failure) {
    note(std::uint64_t(failure.code));
    throw;
  }
}

long left_kept() { return long(kept<long>().size()) + counter(); }

int main() {
  std::uint64_t sum = 0;
  for (long n = 0; n < 200; ++n)
    for (int kind = 0; kind < 8; ++kind)
      sum = sum * 31 + std::uint64_t(attempt(kind, n));
  for (long n = 0; n < 50; ++n)
    try {
      sum = sum * 31 + std::uint64_t(call_back(throwing_callback, n));
    } catch (const Failure &failure) {
      sum = sum * 37 + std::uint64_t(failure.weight());
    } catch (long thrown) {
      sum = sum * 41 + std::uint64_t(thrown);
    }
  std::printf("%016llx %016llx %ld %zu %s\n", (unsigned long long)sum, (unsigned long long)trail, counter(),
              names.size(), word.c_str());
}
