// Check that values of every kind live across calls that throw are right in the handler and behind it.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using Lanes = double __attribute__((vector_size(16)));
using Words = std::uint32_t __attribute__((vector_size(32)));
using Wide = unsigned __int128;

struct Pair {
  long left;
  double right;
};

struct Block {
  std::array<long, 5> cells;
};

std::uint64_t checksum = 1469598103934665603u;

void fold(const void *data, std::size_t size) {
  const auto *bytes = static_cast<const unsigned char *>(data);
  for (std::size_t i = 0; i < size; ++i)
    checksum = (checksum ^ bytes[i]) * 1099511628211u;
}

template <typename T> void fold(T value) { fold(&value, sizeof value); }
void fold(long double value) { fold(&value, 10); } // the rest is padding

[[gnu::noinline]] long risky(long seed) {
  if (seed % 3 == 0)
    throw seed * 7;
  if (seed % 3 == 1)
    throw Pair{seed, double(seed) / 8};
  return seed + 1;
}

[[gnu::noinline]] void scalars(long n) {
  char small = char(n * 5);
  short medium = short(n * 77);
  bool odd = n & 1;
  float single = float(n) * 0.375f;
  double twice = double(n) * 1.0625;
  long double extended = n * 1.0L / 3;
  Wide wide = Wide(n) << 70 | Wide(n * 31);
  const char *text = &"exceptions"[n % 10];
  for (long i = 0; i < 4; ++i) {
    try {
      medium = short(medium + risky(n + i));
    } catch (long thrown) {
      twice += double(thrown) + single;
      wide = wide * 3 + Wide(thrown);
    } catch (const Pair &pair) {
      extended = extended * 2 + pair.right;
      small = char(small ^ pair.left);
      odd = !odd;
    }
    single *= 1.5f;
    fold(small), fold(medium), fold(odd), fold(single), fold(twice), fold(extended), fold(wide), fold(*text);
  }
}

[[gnu::noinline]] void vectors(long n) {
  Lanes lanes = {double(n), double(n) * 2};
  Words words = {1, 2, 3, 4, 5, 6, 7, std::uint32_t(n)};
  Pair pair = {n, 0.5};
  Block block = {{n, n + 1, n + 2, n + 3, n + 4}};
  for (long i = 0; i < 4; ++i) {
    const Lanes before = lanes + 1.0;
    try {
      block.cells[i] += risky(n + i);
      lanes *= 2.0;
    } catch (const Pair &thrown) {
      lanes += before * thrown.right;
      pair = {pair.left + thrown.left, pair.right * 1.25};
    } catch (...) {
      words = words * 3 + std::uint32_t(i);
      block.cells[i + 1] ^= pair.left;
    }
    fold(lanes), fold(words), fold(pair), fold(block);
  }
}

// More values than registers, all of them needed by the handler and after it.
[[gnu::noinline]] std::uint64_t crowd(long n) {
  std::uint64_t a = n, b = a * 3, c = b ^ 5, d = c + a, e = d * 7, f = e - b, g = f ^ c, h = g + 11;
  double p = double(a), q = p + 0.25, r = q * 3, s = r - p, t = s * s, u = t + q, v = u - r, w = v * 0.5;
  for (long i = 0; i < 6; ++i) {
    const std::uint64_t x = a + h, y = b ^ g, z = c * 3;
    try {
      a += risky(n + i);
      b ^= x;
    } catch (long thrown) {
      c += thrown + y, d ^= a, e += x;
      p += double(thrown), q -= w, r *= 1.125;
      f ^= z;
    } catch (const Pair &pair) {
      g += pair.left * x, h ^= y + z;
      s += pair.right, t -= p, u += q * v, w += 0.5;
    }
    v += double(z & 255);
  }
  double doubles[] = {p, q, r, s, t, u, v, w};
  fold(doubles, sizeof doubles);
  return a ^ b * 3 ^ c * 5 ^ d * 7 ^ e * 11 ^ f * 13 ^ g * 17 ^ h * 19;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 90 * scale; ++n) {
    scalars(n);
    vectors(n);
    sum = sum * 31 + crowd(n);
  }
  std::printf("%016llx %016llx\n", (unsigned long long)checksum, (unsigned long long)sum);
}
