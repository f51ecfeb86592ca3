// Check an interpreter whose jumps out of nested code, faults and early returns are exceptions.
// cflags: -std=c++20
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

enum class Op { Push, Add, Multiply, Divide, Load, Store, Call, Return, Loop, Break, Next, Try, Raise, Less, Index };

struct Code;
struct Body {
  const Code *first = nullptr;
  std::size_t count = 0;
  constexpr Body() = default;
  template <std::size_t size> constexpr Body(const Code (&codes)[size]) : first(codes), count(size) {}
  const Code *begin() const { return first; }
  const Code *end() const;
};

struct Code {
  Op op;
  long argument = 0;
  Body body{}, handler{};
};
const Code *Body::end() const { return first + count; }

using Functions = std::array<Body, 3>;

struct BreakOut {
  int levels;
};
struct GoOn {};
struct Leave {
  long value;
};
struct Fault : std::runtime_error {
  Fault(const std::string &what, long code) : std::runtime_error(what), code(code) {}
  long code;
};

class Machine {
public:
  explicit Machine(const Functions &functions) : functions(functions) {}

  long call(std::size_t number, long argument) {
    const std::size_t height = stack.size();
    if (++depth > 60) {
      --depth;
      throw Fault("too deep", argument);
    }
    std::vector<long> locals{argument, 0, 0, 0};
    long result = 0;
    try {
      run(functions.at(number), locals);
    } catch (const Leave &leave) {
      result = leave.value;
    } catch (...) {
      --depth;
      stack.resize(height);
      throw;
    }
    --depth;
    stack.resize(height);
    return result;
  }

  std::uint64_t steps = 0;

private:
  long pop() {
    if (stack.empty())
      throw Fault("empty", long(steps % 100));
    const long top = stack.back();
    stack.pop_back();
    return top;
  }

  void run(const Body &body, std::vector<long> &locals) {
    for (const Code &code : body) {
      ++steps;
      switch (code.op) {
      case Op::Push: stack.push_back(code.argument); break;
      case Op::Add: stack.push_back(pop() + pop()); break;
      case Op::Multiply: stack.push_back(long(std::uint64_t(pop()) * std::uint64_t(pop()) % 1000003)); break;
      case Op::Less: {
        const long right = pop();
        stack.push_back(pop() < right);
        break;
      }
      case Op::Divide: {
        const long divisor = pop();
        if (divisor == 0)
          throw Fault("division by zero", pop());
        stack.push_back(pop() / divisor);
        break;
      }
      case Op::Load: stack.push_back(locals.at(std::size_t(code.argument))); break;
      case Op::Store: locals.at(std::size_t(code.argument)) = pop(); break;
      case Op::Index: stack.push_back(locals.at(std::size_t(pop()))); break; // out_of_range
      case Op::Call: stack.push_back(call(std::size_t(code.argument), pop())); break;
      case Op::Return: throw Leave{pop()};
      case Op::Break:
        if (pop())
          throw BreakOut{int(code.argument)};
        break;
      case Op::Next:
        if (pop())
          throw GoOn{};
        break;
      case Op::Raise: throw Fault("raised", pop());
      case Op::Loop: loop(code, locals); break;
      case Op::Try: attempt(code, locals); break;
      }
    }
  }

  void loop(const Code &code, std::vector<long> &locals) {
    for (long turn = 0; turn < code.argument; ++turn) {
      try {
        run(code.body, locals);
      } catch (BreakOut &out) {
        if (--out.levels > 0)
          throw;
        return;
      } catch (GoOn) {
      }
    }
  }

  void attempt(const Code &code, std::vector<long> &locals) {
    const std::size_t height = stack.size();
    const double before = double(steps);
    try {
      run(code.body, locals);
    } catch (const Fault &fault) {
      stack.resize(height);
      stack.push_back(fault.code + long(std::string(fault.what()).size()) + long(double(steps) - before) % 7);
      run(code.handler, locals);
    } catch (const std::out_of_range &) {
      stack.resize(height);
      stack.push_back(-1);
      run(code.handler, locals);
    }
  }

  const Functions &functions;
  std::vector<long> stack;
  int depth = 0;
};

using enum Op;

// Tables, not vectors: what would fill those is one function of hundreds of calls, about nothing here.
// clang-format off
constexpr Code inner_loop[] = {{Load, 2}, {Load, 1}, {Add}, {Store, 2},
                               {Load, 2}, {Push, 40}, {Less}, {Next},
                               {Load, 0}, {Call, 1}, {Load, 2}, {Add}, {Store, 2},
                               {Push, 900}, {Load, 2}, {Less}, {Break, 2},
                               {Load, 1}, {Push, 3}, {Less}, {Break, 1}};
constexpr Code outer_loop[] = {{Load, 1}, {Push, 1}, {Add}, {Store, 1}, {Loop, 9, inner_loop}};
constexpr Code recursion[] = {{Load, 2}, {Call, 2}, {Store, 3}};
constexpr Code keep[] = {{Store, 3}};
constexpr Code small[] = {{Break, 1}, {Load, 0}, {Push, 100}, {Push, 0}, {Divide}};
constexpr Code faults[] = {{Load, 0}, {Push, 5}, {Less}, {Loop, 1, small}, {Load, 0}, {Index}, {Return}};
constexpr Code after_fault[] = {{Push, 3}, {Multiply}, {Return}};
constexpr Code deeper[] = {{Next}, {Load, 0}, {Push, -7}, {Add}, {Call, 2}, {Push, 2}, {Add}, {Return}};
constexpr Code raise[] = {{Load, 0}, {Raise}};
constexpr Code give_back[] = {{Return}};

// The sum over an outer and an inner loop with breaks of both kinds.
constexpr Code sums[] = {{Loop, 6, outer_loop}, {Try, 0, recursion, keep}, {Load, 2}, {Load, 3}, {Add}, {Return}};
// Faults in each way, by argument.
constexpr Code faulty[] = {{Try, 0, faults, after_fault}};
// Recursion until the argument is small or the stack is full.
constexpr Code recursive[] = {{Load, 0}, {Push, 2}, {Less}, {Loop, 1, deeper}, {Try, 0, raise, give_back}};
constexpr Functions program = {sums, faulty, recursive};
// clang-format on

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  Machine machine(program);
  std::uint64_t sum = 0;
  for (long n = 0; n < 20 * scale; ++n) {
    try {
      sum = sum * 31 + std::uint64_t(machine.call(std::size_t(n % 4), n));
    } catch (const std::exception &error) {
      sum = sum * 37 + std::uint64_t(error.what()[0]);
    }
  }
  std::printf("%016llx, %llu steps\n", (unsigned long long)sum, (unsigned long long)machine.steps);
}
