// Check a program of owners: pools, polymorphic memory, shared and weak pointers, undo at the end of a scope.
// cflags: -std=c++20
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

// First fit in one block, neighbours merged; full or asked for too much, it throws.
class Pool : public std::pmr::memory_resource {
public:
  explicit Pool(std::size_t bytes) : block(bytes) { free[0] = bytes; }
  ~Pool() override { note(used + peak); }
  std::size_t used = 0, peak = 0;

private:
  void *do_allocate(std::size_t bytes, std::size_t) override {
    bytes = (bytes + 15) / 16 * 16;
    for (auto piece = free.begin(); piece != free.end(); ++piece) {
      if (piece->second < bytes)
        continue;
      const auto [offset, size] = *piece;
      free.erase(piece);
      if (size > bytes)
        free[offset + bytes] = size - bytes;
      peak = std::max(peak, used += bytes);
      return block.data() + offset;
    }
    throw std::bad_alloc();
  }
  void do_deallocate(void *address, std::size_t bytes, std::size_t) override {
    const auto offset = std::size_t(static_cast<std::byte *>(address) - block.data());
    bytes = (bytes + 15) / 16 * 16;
    used -= bytes;
    auto piece = free.emplace(offset, bytes).first;
    if (auto next = std::next(piece); next != free.end() && offset + bytes == next->first)
      piece->second += free.extract(next).mapped();
    if (piece != free.begin())
      if (auto before = std::prev(piece); before->first + before->second == offset)
        before->second += free.extract(piece).mapped();
  }
  bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }

  std::vector<std::byte> block;
  std::map<std::size_t, std::size_t> free;
};

template <typename Action> class Undo {
public:
  explicit Undo(Action action) : action(std::move(action)) {}
  Undo(const Undo &) = delete;
  ~Undo() {
    if (is_armed)
      action();
  }
  void keep() { is_armed = false; }

private:
  Action action;
  bool is_armed = true;
};

struct Node : std::enable_shared_from_this<Node> {
  Node(long value, std::pmr::memory_resource *memory) : value(value), text(std::size_t(value % 60), 'n', memory) {
    if (value % 17 == 16)
      throw std::invalid_argument("no such node"); // its text is given back, and its memory
  }
  ~Node() { note(std::uint64_t(value)); }
  std::shared_ptr<Node> add(long next, std::pmr::memory_resource *memory) {
    auto child = std::allocate_shared<Node>(std::pmr::polymorphic_allocator<Node>(memory), next, memory);
    child->parent = weak_from_this();
    return children.emplace_back(std::move(child));
  }
  long sum() const {
    long total = value + long(text.size());
    for (const auto &child : children)
      total = total * 3 + child->sum();
    return total;
  }
  long value;
  std::pmr::string text;
  std::weak_ptr<Node> parent;
  std::vector<std::shared_ptr<Node>> children;
};

// All or nothing: what was added goes when any part of it fails.
[[gnu::noinline]] long grow(const std::shared_ptr<Node> &root, long n, int depth, std::pmr::memory_resource &memory) {
  const std::size_t before = root->children.size();
  const double weight = double(n) * 0.5;
  Undo undo([&] { root->children.resize(before); });
  long added = 0;
  for (long i = 0; i < 3; ++i) {
    const auto child = root->add(n * 7 + i * 5, &memory);
    if (depth > 0)
      added += grow(child, n + i, depth - 1, memory);
    ++added;
  }
  undo.keep();
  return added + (long(weight * 2) == n);
}

[[gnu::noinline]] std::uint64_t session(long n) {
  Pool pool(std::size_t(2000 + n * 777 % 9000));
  const auto root = std::make_shared<Node>(n % 16, &pool);
  std::uint64_t sum = 0;
  for (long i = 0; i < 6; ++i) {
    try {
      sum = sum * 31 + std::uint64_t(grow(root, n + i, int(i % 3), pool));
    } catch (const std::bad_alloc &) {
      sum = sum * 37 + pool.used;
    } catch (const std::invalid_argument &error) {
      sum = sum * 41 + std::uint64_t(error.what()[0]);
    }
    sum = sum * 31 + std::uint64_t(root->sum());
  }
  std::weak_ptr<Node> last = root->children.empty() ? root : root->children.back();
  root->children.clear();
  try {
    sum += std::uint64_t(std::shared_ptr<Node>(last)->value);
  } catch (const std::bad_weak_ptr &) {
    sum = sum * 43 + pool.used;
  }
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 20 * scale; ++n)
    sum = sum * 31 + session(n);
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
