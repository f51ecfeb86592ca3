// Whose is this address? Ranges of several owners, looked up by code that may not wait: unwinders, signal handlers, walks of
// stopped threads.
//
// A place is used again when its owner has gone, so what a look-up reads may change under it. Each place has a number that
// says so: it is odd while the place changes, and no two owners see the same. A look-up that meets a change goes on to the
// next place: nobody is looked for while he comes or goes.
#pragma once

#include "runtime/code/free_extents.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace osr {

/// Looking is lock-free and async-signal-safe. Never destroyed, with constant initialisation.
template <typename Owner> class RangeMap {
public:
  constexpr RangeMap() = default;
  RangeMap(const RangeMap &) = delete;
  RangeMap &operator=(const RangeMap &) = delete;

  /// Ranges do not overlap. Allocates only when there have never been so many at once.
  void add(Extent range, Owner &owner) {
    for (Block *block = &first_;; block = next_of(*block))
      for (Place &place : block->places)
        if (place.take(range, owner))
          return;
  }
  /// Nobody is inside use_at() with it when this returns. Without effect if it is not there.
  void remove(const Owner &owner) {
    for (Block *block = &first_; block; block = block->next.load(std::memory_order_acquire))
      for (Place &place : block->places)
        place.give_back(owner);
    // One who left by siglongjmp, or whom a fork left behind, never goes.
    for (unsigned waited = 0; users_.load(std::memory_order_seq_cst) != 0 && waited < most_waits; ++waited)
      std::this_thread::sleep_for(wait);
  }
  /// Null: nobody's. The caller makes sure that it stays while it is used: its code is on the caller's stack, say.
  Owner *find(std::uint64_t address) const noexcept {
    return first_where([address](const Seen &seen) { return seen.range.contains(address); });
  }
  /// `use(Owner *)`, of any address: the owner stays until that returns, which should be soon.
  template <typename Use> auto use_at(std::uint64_t address, Use use) const {
    const User user(users_);
    return use(find(address));
  }
  /// Calls `visit(Owner &)` for each of those that are there all the time, until it returns true. Then true. The caller makes
  /// sure that they stay.
  template <typename Visit> bool visit_until(Visit visit) const {
    return first_where([&](const Seen &seen) { return visit(*seen.owner); });
  }

private:
  struct Seen {
    Owner *owner = nullptr;
    Extent range;
  };

  struct Place {
    std::atomic<std::uint64_t> number{0}; ///< odd: it changes
    std::atomic<std::uint64_t> begin{0}, end{0};
    std::atomic<Owner *> owner{nullptr};

    bool begin_change(std::uint64_t seen) {
      return seen % 2 == 0 && number.compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel);
    }
    void end_change(Extent range, Owner *next) {
      begin.store(range.begin, std::memory_order_release);
      end.store(range.end, std::memory_order_release);
      owner.store(next, std::memory_order_release);
      number.fetch_add(1, std::memory_order_release);
    }
    bool take(Extent range, Owner &next) {
      const std::uint64_t seen = number.load(std::memory_order_acquire);
      if (owner.load(std::memory_order_acquire) || !begin_change(seen))
        return false;
      end_change(range, &next);
      return true;
    }
    void give_back(const Owner &known) {
      if (owner.load(std::memory_order_acquire) == &known && begin_change(number.load(std::memory_order_acquire)))
        end_change({}, nullptr);
    }
    Seen look() const noexcept {
      const std::uint64_t before = number.load(std::memory_order_acquire);
      const Seen seen{owner.load(std::memory_order_acquire),
                      {begin.load(std::memory_order_acquire), end.load(std::memory_order_acquire)}};
      return before % 2 == 0 && number.load(std::memory_order_acquire) == before ? seen : Seen{};
    }
  };

  struct Block {
    std::array<Place, 8> places;
    std::atomic<Block *> next{nullptr};
  };

  static Block *next_of(Block &block) {
    if (Block *next = block.next.load(std::memory_order_acquire))
      return next;
    auto *fresh = new Block;
    Block *expected = nullptr;
    if (block.next.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel))
      return fresh;
    delete fresh;
    return expected;
  }

  template <typename IsWanted> Owner *first_where(IsWanted is_wanted) const {
    for (const Block *block = &first_; block; block = block->next.load(std::memory_order_acquire))
      for (const Place &place : block->places)
        if (const Seen seen = place.look(); seen.owner && is_wanted(seen))
          return seen.owner;
    return nullptr;
  }

  /// Who uses owners that may go.
  class User {
  public:
    explicit User(std::atomic<unsigned> &users) : users_(users) { users_.fetch_add(1, std::memory_order_seq_cst); }
    ~User() { users_.fetch_sub(1, std::memory_order_release); }
    User(const User &) = delete;
    User &operator=(const User &) = delete;

  private:
    std::atomic<unsigned> &users_;
  };
  static constexpr std::chrono::microseconds wait{100};
  static constexpr unsigned most_waits = 2000;

  Block first_;
  mutable std::atomic<unsigned> users_ = 0;
};

} // namespace osr
