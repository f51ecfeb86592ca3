// Check dynamic_cast and typeid over single, multiple and virtual bases, and their exceptions.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <vector>

namespace {

struct Animal {
  virtual ~Animal() = default;
  virtual long speak(long seed) const { return seed; }
  long legs = 4;
};
struct Swimmer {
  virtual ~Swimmer() = default;
  virtual long swim(long seed) = 0;
  double depth = 2.5;
};
struct Flyer : virtual Animal {
  long speak(long seed) const override { return seed * 3; }
  long wings = 2;
};
struct Walker : virtual Animal {
  long toes = 5;
};
struct Duck : Flyer, Walker, Swimmer {
  long speak(long seed) const override { return seed * 5 + wings; }
  long swim(long seed) override { return seed + long(depth * 4); }
};
struct Penguin final : Walker, private Swimmer { // nobody outside can see that it swims
  long swim(long seed) override { return seed * 7; }
};
struct Fish : Animal, Swimmer {
  long swim(long seed) override {
    if (seed % 5 == 0)
      throw std::bad_cast();
    return seed * 2;
  }
};
template <int number> struct Numbered : Fish {
  long swim(long seed) override { return Fish::swim(seed + number) + number; }
};

using Maker = std::unique_ptr<Animal> (*)();
template <typename T> std::unique_ptr<Animal> make() { return std::make_unique<T>(); }

const Maker makers[] = {make<Animal>, make<Flyer>,       make<Walker>,      make<Duck>,       make<Penguin>,
                        make<Fish>,   make<Numbered<1>>, make<Numbered<2>>, make<Numbered<3>>};

[[gnu::noinline]] long by_pointers(Animal *animal, long seed) {
  long sum = animal ? animal->speak(seed) : -1;
  if (auto *swimmer = dynamic_cast<Swimmer *>(animal)) {
    sum = sum * 3 + 1;
    if (dynamic_cast<Duck *>(swimmer) != nullptr)
      sum += swimmer->swim(seed); // across, then down
    if (dynamic_cast<void *>(swimmer) == dynamic_cast<void *>(animal))
      sum += 7;
  }
  if (auto *flyer = dynamic_cast<Flyer *>(animal))
    sum = sum * 5 + flyer->wings;
  if (auto *walker = dynamic_cast<Walker *>(animal))
    sum = sum * 7 + walker->toes;
  return sum;
}

[[gnu::noinline]] long by_references(Animal &animal, long seed) {
  long sum = seed, failed = 0;
  const double weight = double(seed) * 0.5;
  try {
    sum += dynamic_cast<Swimmer &>(animal).swim(seed);
    sum += dynamic_cast<Fish &>(animal).legs;
    sum += dynamic_cast<Numbered<2> &>(animal).swim(seed) * 11;
  } catch (const std::bad_cast &error) {
    sum = sum * 3 + 5;
    failed = long(std::strlen(error.what()));
  }
  try {
    sum ^= dynamic_cast<Duck &>(animal).toes;
  } catch (std::exception &error) {
    sum += typeid(error) == typeid(std::bad_cast) ? 13 : 17;
  }
  return sum + failed + long(weight);
}

[[gnu::noinline]] long by_types(const Animal *animal, std::unordered_map<std::type_index, long> &seen) {
  try {
    long &count = seen[typeid(*animal)]; // throws for null
    return ++count * long(1 + std::strlen(typeid(*animal).name()));
  } catch (const std::bad_typeid &) {
    return ++seen[typeid(void)];
  }
}

// Thrown objects are matched by type too, by name and not by address.
template <typename T> [[gnu::noinline]] long thrown_as(long seed) {
  try {
    throw T();
  } catch (const Duck &duck) {
    return duck.speak(seed);
  } catch (const Numbered<1> &) {
    return seed + 1;
  } catch (const Fish &fish) {
    return seed + fish.legs;
  } catch (const Animal &animal) {
    return animal.speak(seed) + typeid(animal).before(typeid(int));
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  std::unordered_map<std::type_index, long> seen;
  for (long n = 0; n < 30 * scale; ++n) {
    for (Maker maker : makers) {
      const std::unique_ptr<Animal> animal = maker();
      sum = sum * 31 + std::uint64_t(by_pointers(animal.get(), n));
      sum = sum * 31 + std::uint64_t(by_references(*animal, n));
      sum = sum * 31 + std::uint64_t(by_types(n % 7 ? animal.get() : nullptr, seen));
    }
    sum += std::uint64_t(by_pointers(nullptr, n) + thrown_as<Duck>(n) + thrown_as<Numbered<1>>(n) +
                         thrown_as<Numbered<3>>(n) + thrown_as<Flyer>(n));
  }
  std::printf("%016llx, %zu types\n", (unsigned long long)sum, seen.size());
}
