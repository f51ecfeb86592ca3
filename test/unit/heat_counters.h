// Room for heat counters, in a test without an engine.
#pragma once

#include "runtime/tiering/heat_table.h"

#include <cstddef>
#include <deque>

namespace osr {

/// Room for counters.
class Counters {
public:
  HeatTable::Allocate allocate() {
    return [this](std::size_t, std::size_t) { return &rooms_.emplace_back(); };
  }

private:
  struct alignas(HeatCounter) Room {
    std::byte bytes[sizeof(HeatCounter)];
  };
  std::deque<Room> rooms_;
};

} // namespace osr
