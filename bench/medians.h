// Several ways to do a thing, timed in turn, so that a machine that slows down slows all; their medians.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace osr {

inline double median(std::vector<double> values) {
  auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

inline double now_seconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

class Medians {
public:
  /// `measure` does the thing a fixed number of times and returns what one took, in nanoseconds.
  void add(std::string name, std::function<double()> measure) {
    rows_.push_back({std::move(name), std::move(measure), {}});
  }

  /// One round per iteration of the benchmark; the counters get the medians.
  void run(benchmark::State &state) {
    for (auto _ : state)
      for (Row &row : rows_)
        row.values.push_back(row.measure());
    for (Row &row : rows_)
      state.counters[row.name] = median(row.values);
  }

private:
  struct Row {
    std::string name;
    std::function<double()> measure;
    std::vector<double> values;
  };
  std::vector<Row> rows_;
};

/// A measurement of `count` calls of `action` in a row.
template <typename Action> auto per_call(unsigned count, Action action) {
  return [=] {
    const double start = now_seconds();
    for (unsigned i = 0; i < count; ++i)
      action();
    return (now_seconds() - start) / count * 1e9;
  };
}

} // namespace osr
