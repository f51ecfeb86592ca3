// A Lox value in 64 bits: a number is its own bits, and everything else is a NaN that no arithmetic makes.
//
//   up to FFF8 0000 0000 0000   numbers; x86's own NaN is the largest
//   FFF9 0000 0000 000x         false, nil, true
//   FFFB 0000 0000 0000         no value: a global variable that is not defined yet
//   FFFC pppp pppp pppp         the address of an object
//   FFFF FFFF FFFF FFFF         no value: a call that ended with an error (cheap to compare with)
//
// So each question is one comparison: a number is at most `greatest_number`, an object at least `object_tag`.
#pragma once

#include <bit>
#include <cstdint>

namespace lox {

struct Object;

struct Value {
  std::uint64_t bits;

  static constexpr std::uint64_t greatest_number = 0xfff8'0000'0000'0000;
  static constexpr std::uint64_t false_bits = 0xfff9'0000'0000'0000; // falsehood: all bits but the lowest are these
  static constexpr std::uint64_t nil_bits = false_bits + 1;
  static constexpr std::uint64_t true_bits = false_bits + 2;
  static constexpr std::uint64_t undefined_bits = 0xfffb'0000'0000'0000;
  static constexpr std::uint64_t object_tag = 0xfffc'0000'0000'0000;
  static constexpr std::uint64_t error_bits = ~std::uint64_t(0);

  static constexpr Value nil() { return {nil_bits}; }
  static constexpr Value undefined() { return {undefined_bits}; }
  static constexpr Value error() { return {error_bits}; }
  static constexpr Value boolean(bool truth) { return {truth ? true_bits : false_bits}; }
  static constexpr Value number(double number) { return {std::bit_cast<std::uint64_t>(number)}; }
  static Value object(const void *object) { return {object_tag | reinterpret_cast<std::uintptr_t>(object)}; }

  constexpr bool is_number() const { return bits <= greatest_number; }
  constexpr bool is_boolean() const { return bits == true_bits || bits == false_bits; }
  constexpr bool is_nil() const { return bits == nil_bits; }
  constexpr bool is_falsey() const { return (bits & ~std::uint64_t(1)) == false_bits; }
  constexpr bool is_undefined() const { return bits == undefined_bits; }
  constexpr bool is_error() const { return bits == error_bits; }
  constexpr bool is_object() const { return bits >= object_tag; }

  constexpr double as_number() const { return std::bit_cast<double>(bits); }
  Object *as_object() const { return reinterpret_cast<Object *>(bits & ~object_tag); }
};

} // namespace lox
