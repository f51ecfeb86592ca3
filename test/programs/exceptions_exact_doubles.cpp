// Check that floating point is exact to the last bit when exceptions interrupt it: thrown, live in handlers, behind.
// cflags: -ffp-contract=off
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <valarray>

namespace {

std::uint64_t checksum = 1;

template <typename T> void fold(const T &value) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  for (std::size_t i = 0; i < (sizeof(T) == 16 ? 10 : sizeof(T)); ++i) // of a long double the rest is padding
    checksum = (checksum ^ bytes[i]) * 1099511628211u;
}

struct Singular {
  double pivot;
  std::size_t row;
};
struct Diverged {
  long double last;
  float step;
};

constexpr std::size_t size = 5;
using Matrix = std::array<std::array<double, size>, size>;

[[gnu::noinline]] double pivot(const Matrix &matrix, std::size_t row) {
  const double value = matrix[row][row];
  if (std::fabs(value) < 0.25)
    throw Singular{value, row};
  return value;
}

// Elimination that goes on after a bad pivot, with all it has computed so far.
[[gnu::noinline]] double determinant(Matrix matrix, double repair) {
  double product = 1, error = 0;
  long double exact = 1;
  float rough = 1;
  for (std::size_t row = 0; row < size; ++row) {
    const double scale = product * 0.5;
    try {
      const double diagonal = pivot(matrix, row);
      product *= diagonal, exact *= diagonal, rough *= float(diagonal);
    } catch (const Singular &singular) {
      matrix[row][row] += repair;
      error += singular.pivot * scale + double(singular.row);
      product *= matrix[row][row], exact *= matrix[row][row], rough *= float(repair);
    }
    for (std::size_t other = row + 1; other < size; ++other) {
      const double factor = matrix[other][row] / matrix[row][row];
      for (std::size_t column = row; column < size; ++column)
        matrix[other][column] -= factor * matrix[row][column];
    }
    fold(product), fold(exact), fold(rough), fold(error);
  }
  return product + error;
}

[[gnu::noinline]] long double iterate(long double start, float step) {
  long double value = start;
  for (int i = 0; i < 30; ++i) {
    value = value * value - step;
    if (value > 4 || value < -4)
      throw Diverged{value, step * 0.75f};
  }
  return value;
}

[[gnu::noinline]] long double settle(long double start, float step) {
  long double kept = start / 3;
  std::complex<double> turning(1, 0.5);
  double tiny = std::numeric_limits<double>::denorm_min() * 12345, minus_zero = -0.0;
  for (int tries = 0; tries < 6; ++tries) {
    try {
      kept += iterate(start, step);
      turning *= std::complex<double>(0.75, double(tries));
    } catch (const Diverged &diverged) {
      step = diverged.step;
      kept -= diverged.last / 1024;
      turning /= std::complex<double>(1.5, double(step));
      tiny *= 3, minus_zero *= 2;
    }
    fold(kept), fold(step), fold(turning.real()), fold(turning.imag()), fold(tiny), fold(minus_zero);
  }
  return kept;
}

[[gnu::noinline]] double sum_until(const std::valarray<double> &values, double limit) {
  double sum = 0, lost = 0; // compensated
  for (double value : values) {
    const double next = value - lost, total = sum + next;
    lost = (total - sum) - next;
    sum = total;
    if (sum > limit)
      throw sum;
  }
  return sum + lost;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  double total = 0;
  for (int n = 0; n < 60 * scale; ++n) {
    Matrix matrix;
    std::valarray<double> values(20);
    for (std::size_t i = 0; i < size * size; ++i)
      matrix[i / size][i % size] = double(int(i * 37 + std::size_t(n) * 11) % 23 - 11) / 8;
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 1.0 / double(i + std::size_t(n) + 1);
    total += determinant(matrix, 0.125 * (n + 3));
    total += double(settle(n * 0.03125L, float(n % 7) * 0.3f));
    try {
      total += sum_until(values * 3.0, 4.0);
    } catch (double sum) {
      total = total * 0.5 + sum;
    }
    fold(total);
  }
  std::printf("%016llx %a\n", (unsigned long long)checksum, total);
}
