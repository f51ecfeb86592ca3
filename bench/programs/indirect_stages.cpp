// Sums over shapes through virtual calls: nearly all objects of a list are of one class.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

struct Stage {
  virtual ~Stage() = default;
  virtual std::uint32_t apply(std::uint32_t x) const = 0;
};
struct Scale final : Stage {
  explicit Scale(std::uint32_t by) : by(by) {}
  std::uint32_t apply(std::uint32_t x) const override { return x * by + 1; }
  std::uint32_t by;
};
struct Shift final : Stage {
  explicit Shift(std::uint32_t by) : by(by) {}
  std::uint32_t apply(std::uint32_t x) const override { return x ^ x >> by; }
  std::uint32_t by;
};
struct Offset final : Stage {
  explicit Offset(std::uint32_t by) : by(by) {}
  std::uint32_t apply(std::uint32_t x) const override { return x + by; }
  std::uint32_t by;
};

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::unique_ptr<Stage> first = std::make_unique<Scale>(2654435761u), second = std::make_unique<Shift>(15),
                               third = std::make_unique<Offset>(77);
  std::uint32_t x = std::uint32_t(argc);
  for (int round = 0; round < scale; ++round)
    for (int i = 0; i < 1'000'000; ++i)
      x = third->apply(second->apply(first->apply(x)));
  std::printf("%u\n", x);
}
