// Checks that what a table says about one call is read, and that the table made of it says the same about a stub.
#include "compiler/base/error.h"
#include "runtime/code/exception_table.h"
#include "test/support/catch_header.h"

using namespace osr;

namespace {

constexpr std::uint64_t function = 0x10000;

/// Calls at [0, 8): catch of type 1, then cleanup. [8, 12): nothing lands. [16, 24): a catch of any type and a type list.
struct Table {
  std::vector<std::uint8_t> bytes{
      0xff, // landing pads count from the function's begin
      0x00, 30, // types: absolute pointers; where they end
      0x01, 12, // call sites in ULEB128
      0,    8,    40, 1, // first action
      8,    4,    0,  0, //
      16,   8,    50, 3, // third byte of actions
      0,    0, // action 1: cleanup, the last
      1,    0x7d, // action 3: type 1, then three bytes back: action 1
  };
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(bytes.data()); }
  CallSiteHandling read(std::uint64_t return_pc_offset) const {
    return llvm::cantFail(read_call_site(bytes, address(), address(), function, function + return_pc_offset));
  }
};

std::uint64_t address_of(const std::vector<std::uint8_t> &bytes) {
  return reinterpret_cast<std::uint64_t>(bytes.data());
}

} // namespace

TEST_CASE("What an exception meets at a call is read from the table of its function", "[exceptions]") {
  const Table table;
  const CallSiteHandling first = table.read(8); // the call ends there: its last byte counts
  CHECK(first.is_listed);
  CHECK(first.landing_pad == function + 40);
  CHECK(first.filters == std::vector<std::int64_t>{0});
  CHECK(first.types == table.address() + 3 + 30);
  const CallSiteHandling passes = table.read(12);
  CHECK(passes.is_listed);
  CHECK(passes.landing_pad == 0);
  CHECK(passes.filters.empty());
  const CallSiteHandling chain = table.read(17);
  CHECK(chain.landing_pad == function + 50);
  CHECK(chain.filters == std::vector<std::int64_t>{1, 0});
  CHECK_FALSE(table.read(14).is_listed); // between the ranges: the program ends
}

TEST_CASE("A table for a stub says about all its bytes what was said about the call", "[exceptions]") {
  const Table table;
  for (std::uint64_t return_pc : {8, 12, 17, 14}) {
    const CallSiteHandling handling = table.read(return_pc);
    // Behind the landing pad, and before it.
    const std::uint64_t stub = GENERATE(0x7000000, 0x1000);
    const std::uint64_t begin = begin_for(handling, {stub, stub + 100});
    const std::vector<std::uint8_t> made = build_exception_table(handling, begin, {stub, stub + 100});
    CHECK(made.front() == 0xff); // no base of its own: some personality functions count from the function all the same
    for (std::uint64_t offset : {1, 50, 100}) {
      const CallSiteHandling again =
          llvm::cantFail(read_call_site(made, address_of(made), address_of(made), begin, stub + offset));
      CHECK(again.is_listed == handling.is_listed);
      CHECK(again.landing_pad == handling.landing_pad);
      CHECK(again.filters == handling.filters);
      CHECK(again.type_encoding == handling.type_encoding);
      CHECK(again.types == handling.types);
    }
  }
}

TEST_CASE("A damaged exception table is refused", "[exceptions]") {
  Table table;
  SECTION("an action that leads out of the table") { table.bytes[20] = 0x50; }
  SECTION("actions that lead in a circle") { table.bytes[18] = 0x7f; }
  SECTION("more call sites than there are bytes") { table.bytes[4] = 100; }
  auto read = read_call_site(table.bytes, table.address(), table.address(), function, function + 17);
  REQUIRE(!read);
  CHECK(llvm::toString(read.takeError()).find("malformed") != std::string::npos);
}
