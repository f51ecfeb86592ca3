#include "generated_ir.h"

#include <fmt/format.h>

#include <random>
#include <vector>

namespace osr {
namespace {

class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string function() {
    text_ = "declare i64 @ext(i64)\ndeclare double @real(double)\n"
            "define i64 @generated(i64 %p0, i64 %p1, double %p2, ptr %p3) {\nentry:\n";
    integers_ = {"%p0", "%p1"};
    reals_ = {"%p2"};
    addresses_ = {"%p3"};
    unsigned values = 8 + pick(24), calls = 1 + pick(4);
    for (unsigned i = 0; i < values; ++i)
      add_value();
    for (unsigned i = 0; i < calls; ++i)
      add_call();
    std::string carried = integer();
    std::string limit = fresh(fmt::format("and i64 {}, 7", integer()));
    line("br label %loop");
    text_ += "loop:\n";
    std::string i = name(), sum = name(), mode = name();
    line(fmt::format("{} = phi i64 [ 0, %entry ], [ %next, %latch ]", i));
    line(fmt::format("{} = phi i64 [ {}, %entry ], [ %sum.next, %latch ]", sum, carried));
    line(fmt::format("{} = phi i64 [ {}, %entry ], [ {}, %latch ]", mode, pick(1000), pick(1000)));
    integers_.insert(integers_.end(), {i, sum, mode});
    add_call();
    line(fmt::format("%odd = icmp slt i64 {}, {}", integer(), integer()));
    line("br i1 %odd, label %more, label %latch");
    text_ += "more:\n";
    std::string in_more = fresh(fmt::format("call i64 @ext(i64 {})", integer()));
    line("br label %latch");
    text_ += "latch:\n";
    std::string either = fresh(fmt::format("phi i64 [ {}, %loop ], [ {}, %more ]", integer(), in_more));
    integers_.push_back(either);
    add_call();
    line(fmt::format("%sum.next = add i64 {}, {}", sum, integer()));
    line(fmt::format("%next = add i64 {}, 1", i));
    line(fmt::format("%again = icmp ult i64 %next, {}", limit));
    line("br i1 %again, label %loop, label %done");
    text_ += "done:\n";
    return finish();
  }

private:
  unsigned pick(unsigned below) { return unsigned(random_() % below); }
  const std::string &one_of(const std::vector<std::string> &from) { return from[pick(unsigned(from.size()))]; }
  const std::string &integer() { return one_of(integers_); }
  std::string name() { return fmt::format("%v{}", next_++); }
  void line(const std::string &text) { text_ += "  " + text + "\n"; }
  std::string fresh(const std::string &operation) {
    std::string result = name();
    line(result + " = " + operation);
    return result;
  }

  void add_value() {
    switch (pick(9)) {
    case 0: integers_.push_back(fresh(fmt::format("add i64 {}, {}", integer(), pick(5000)))); break;
    case 1: integers_.push_back(fresh(fmt::format("mul i64 {}, {}", integer(), integer()))); break;
    case 2: integers_.push_back(fresh(fmt::format("xor i64 {}, {}", integer(), integer()))); break;
    case 3: { // through a narrow width
      unsigned width = std::vector<unsigned>{1, 8, 16, 24, 32, 48}[pick(6)];
      std::string narrow = fresh(fmt::format("trunc i64 {} to i{}", integer(), width));
      integers_.push_back(fresh(fmt::format("{} i{} {} to i64", pick(2) ? "zext" : "sext", width, narrow)));
      break;
    }
    case 4: {
      std::string wide = fresh(fmt::format("sext i64 {} to i128", integer()));
      std::string square = fresh(fmt::format("mul i128 {}, {}", wide, wide));
      std::string high = fresh(fmt::format("lshr i128 {}, {}", square, 1 + pick(64)));
      integers_.push_back(fresh(fmt::format("trunc i128 {} to i64", high)));
      break;
    }
    case 5: reals_.push_back(fresh(fmt::format("fadd double {}, {}.5", one_of(reals_), pick(9)))); break;
    case 6: addresses_.push_back(fresh(fmt::format("getelementptr i64, ptr %p3, i64 {}", pick(16)))); break;
    case 7: { // an address that is no constant away from another one
      std::string index = fresh(fmt::format("and i64 {}, 15", integer()));
      addresses_.push_back(fresh(fmt::format("getelementptr i64, ptr %p3, i64 {}", index)));
      break;
    }
    case 8: integers_.push_back(fresh(fmt::format("load i64, ptr {}", one_of(addresses_)))); break;
    }
  }

  void add_call() {
    if (pick(4) == 0)
      reals_.push_back(fresh(fmt::format("call double @real(double {})", one_of(reals_))));
    else
      integers_.push_back(fresh(fmt::format("call i64 @ext(i64 {})", integer())));
    if (pick(2) == 0)
      line(fmt::format("store i64 {}, ptr {}", integer(), one_of(addresses_)));
    add_value();
  }

  /// Everything counts: no value is dead before the end. What is defined in the loop dominates its exit.
  std::string finish() {
    std::string result = "0";
    for (const std::string &value : integers_)
      result = fresh(fmt::format("add i64 {}, {}", fresh(fmt::format("mul i64 {}, 31", result)), value));
    for (const std::string &value : reals_)
      result = fresh(fmt::format("xor i64 {}, {}", result, fresh(fmt::format("bitcast double {} to i64", value))));
    for (const std::string &address : addresses_)
      result = fresh(fmt::format("add i64 {}, {}", result, fresh(fmt::format("load i64, ptr {}", address))));
    line("ret i64 " + result);
    return text_ + "}\n";
  }

  std::mt19937 random_;
  std::string text_;
  unsigned next_ = 0;
  std::vector<std::string> integers_, reals_, addresses_;
};

} // namespace

std::string generate_ir(unsigned seed) { return Generator(seed).function(); }

} // namespace osr
