#include "osrctl/bench/axis.h"

#include <fmt/format.h>

#include <cmath>

namespace osr {
namespace {

/// About five steps of 1, 2 or 5 times a power of ten.
std::vector<double> even_ticks(double low, double high) {
  const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
  std::vector<double> result;
  for (int index = int(std::ceil(low / step)); index * step <= high * (1 + 1e-9); ++index)
    result.push_back(index * step);
  return result;
}

/// Those that fit, and fewer of each power of ten the more powers there are.
std::vector<double> logarithmic_ticks(double low, double high) {
  const double powers = std::log10(high / low);
  std::vector<double> of_each_power{1};
  if (powers < 0.7)
    of_each_power = {1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8};
  else if (powers < 2)
    of_each_power = {1, 1.5, 2, 3, 5};
  else if (powers < 4)
    of_each_power = {1, 3};
  std::vector<double> result;
  for (int power = int(std::floor(std::log10(low))); power <= int(std::ceil(std::log10(high))); ++power)
    for (double digit : of_each_power)
      if (double value = digit * std::pow(10, power); value >= low * 0.999 && value <= high * 1.001)
        result.push_back(value);
  return result;
}

} // namespace

Axis::Axis(Scale scale, double low, double high, double from, double to)
    : scale_(scale), low_(low), high_(high), from_(from), to_(to),
      ticks_(scale == Scale::Linear ? even_ticks(low, high) : logarithmic_ticks(low, high)) {}

double Axis::place(double value) const {
  const double share =
      scale_ == Scale::Linear ? (value - low_) / (high_ - low_) : std::log(value / low_) / std::log(high_ / low_);
  return from_ + share * (to_ - from_);
}

std::string tick_text(double value) {
  if (std::abs(value) >= 1e6)
    return fmt::format("{:.3g}M", value / 1e6);
  return std::abs(value) >= 1e4 ? fmt::format("{:.3g}k", value / 1e3) : fmt::format("{:.4g}", value);
}

} // namespace osr
