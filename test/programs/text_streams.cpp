// Check strings and streams: formatting, parsing, stream exceptions, manipulators and stream buffers of the program.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

namespace {

struct Point {
  double x, y;
};

std::ostream &operator<<(std::ostream &out, const Point &point) {
  return out << '(' << point.x << ", " << point.y << ')';
}

std::istream &operator>>(std::istream &in, Point &point) {
  char open = 0, comma = 0, close = 0;
  if (in >> open >> point.x >> comma >> point.y >> close && (open != '(' || comma != ',' || close != ')'))
    in.setstate(std::ios::failbit); // throws where the stream was told to
  return in;
}

// Counts what passes, and refuses when it has seen enough: called by the library, it throws through it.
class Narrow : public std::streambuf {
public:
  explicit Narrow(std::size_t room) : room(room) {}
  std::string text;

protected:
  int_type overflow(int_type c) override {
    if (text.size() == room)
      throw std::length_error("full after " + std::to_string(room));
    text.push_back(traits_type::to_char_type(c));
    return c;
  }

private:
  std::size_t room;
};

[[gnu::noinline]] std::string table(long n) {
  std::ostringstream out;
  out << std::setw(8) << std::left << n << '|' << std::setw(8) << std::right << std::hex << std::showbase << n * 77
      << '|' << std::dec << std::setprecision(3) << std::fixed << double(n) / 7 << '|' << std::scientific
      << double(n) * 1e10 << '|' << std::boolalpha << (n % 2 == 0) << '|' << std::setfill('*') << std::setw(6)
      << std::internal << -n << '|' << std::defaultfloat << Point{double(n) * 0.5, -1};
  return out.str();
}

[[gnu::noinline]] long parse(const std::string &text) {
  std::istringstream in(text);
  in.exceptions(std::ios::failbit | std::ios::badbit);
  long points = 0;
  double sum = 0;
  try {
    for (;;) {
      Point point;
      in >> point;
      sum += point.x * 2 + point.y;
      ++points;
    }
  } catch (const std::ios_base::failure &) {
    in.exceptions(std::ios::goodbit); // or clear() would throw
    in.clear();
    std::string rest;
    std::getline(in, rest, ';');
    return points * 1000 + long(sum * 4) + long(rest.size());
  }
}

[[gnu::noinline]] long overfill(std::size_t room, long n) {
  Narrow buffer(room);
  std::ostream out(&buffer);
  long lines = 0;
  if (n % 2)
    out.exceptions(std::ios::badbit); // then the buffer's exception comes through
  try {
    for (; lines < 5 && out; ++lines)
      out << "line " << lines << ' ' << Point{double(n), 0.25} << '\n';
  } catch (const std::length_error &error) {
    return lines * 7 + long(std::string(error.what()).size()) + long(buffer.text.size());
  }
  return lines * 11 + out.bad() * 3 + long(buffer.text.size());
}

[[gnu::noinline]] long strings(long n) {
  std::string text = "the quick brown fox jumps over the lazy dog " + std::to_string(n);
  std::map<std::string, int> words;
  std::istringstream in(text + ' ' + text.substr(std::size_t(n % 20)));
  std::for_each(std::istream_iterator<std::string>(in), {}, [&](const std::string &word) { ++words[word]; });
  long sum = 0;
  for (auto &[word, count] : words) {
    std::string copy = word;
    std::reverse(copy.begin(), copy.end());
    text.insert(text.find(' ') + 1, copy + ' ');
    sum = sum * 7 + count + long(text.rfind(word));
  }
  for (const std::string &digits : {std::to_string(n * 3), std::string("12 apples"), text, std::string(30, '9')}) {
    try {
      std::size_t used = 0;
      sum += std::stoi(digits, &used) + long(used);
      sum += digits.at(std::size_t(n % 9));
    } catch (const std::invalid_argument &error) {
      sum = sum * 3 + error.what()[0];
    } catch (const std::out_of_range &error) {
      sum = sum * 5 + error.what()[0];
    }
  }
  return sum + long(text.compare(0, 5, "zebra") < 0);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::ios::sync_with_stdio(false);
  std::uint64_t sum = 0;
  for (long n = 0; n < 25 * scale; ++n) {
    const std::string row = table(n);
    for (char c : row)
      sum = sum * 31 + std::uint64_t(c);
    if (n % 10 == 0)
      std::cout << row << '\n';
    sum = sum * 31 + std::uint64_t(parse("(1,2) (3.5 , " + std::to_string(n) + ") ( 4,5] (6;7);"));
    sum = sum * 31 + std::uint64_t(parse(row));
    sum = sum * 31 + std::uint64_t(overfill(std::size_t(n * 5 % 70), n));
    sum = sum * 31 + std::uint64_t(strings(n));
  }
  std::cout << std::hex << std::setw(16) << sum << std::endl;
}
