// An axis: where a value stands, and which values are written beside it.
#pragma once

#include <string>
#include <vector>

namespace osr {

enum class Scale { Linear, Logarithmic };

class Axis {
public:
  /// Values from `low` to `high` stand between the places `from` and `to`.
  Axis(Scale scale, double low, double high, double from, double to);

  double place(double value) const;
  const std::vector<double> &ticks() const { return ticks_; }

private:
  Scale scale_;
  double low_, high_, from_, to_;
  std::vector<double> ticks_;
};

/// "0.5", "12", "3k", "2M".
std::string tick_text(double value);

} // namespace osr
