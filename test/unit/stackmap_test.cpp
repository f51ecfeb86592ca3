// The stack map parser against real sections, broken sections and random mutations of real ones.
#include "runtime/stackmap/parser.h"
#include "test/support/catch_header.h"

#include <llvm/Support/Endian.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

using namespace osr;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::filesystem::path> corpus_files() {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(OSR_STACKMAP_CORPUS))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

RawStackMap parse(const Bytes &bytes) {
  llvm::Expected<RawStackMap> map = parse_stack_map(bytes);
  if (!map)
    FAIL(llvm::toString(map.takeError()));
  return std::move(*map);
}

std::string error_of(const Bytes &bytes) {
  llvm::Expected<RawStackMap> map = parse_stack_map(bytes);
  if (map)
    FAIL("parsed:\n" << to_string(*map));
  return llvm::toString(map.takeError());
}

/// Writes maps field by field.
struct Writer {
  Bytes bytes;
  template <typename T> Writer &put(T value) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof(T));
    llvm::support::endian::write<T, llvm::endianness::little>(bytes.data() + at, value);
    return *this;
  }
  Writer &header(std::uint32_t functions, std::uint32_t constants, std::uint32_t records) {
    return put<std::uint32_t>(3).put(functions).put(constants).put(records);
  }
  Writer &function(std::uint64_t records) { return put<std::uint64_t>(0x1000).put<std::uint64_t>(24).put(records); }
  Writer &record(std::uint16_t locations) {
    return put<std::uint64_t>(1).put<std::uint32_t>(8).put<std::uint16_t>(0).put(locations);
  }
  Writer &location(std::uint8_t kind, std::uint16_t size, std::uint16_t reg, std::int32_t offset) {
    return put(kind).put<std::uint8_t>(0).put(size).put(reg).put<std::uint16_t>(0).put(offset);
  }
  /// Ends a record that has an odd number of locations and no live-outs.
  Writer &tail() { return put<std::uint32_t>(0).put<std::uint32_t>(0).put<std::uint32_t>(0); }
};

/// One function with one record of one location.
Bytes with_location(std::uint8_t kind, std::uint16_t size, std::uint16_t reg, std::int32_t offset) {
  Writer writer;
  writer.header(1, 1, 1).function(1).put(std::uint64_t(1) << 40);
  return writer.record(1).location(kind, size, reg, offset).tail().bytes;
}

RawLocation only_location(const Bytes &bytes) { return parse(bytes).records.at(0).locations.at(0); }

} // namespace

TEST_CASE("a real section is read as llvm-readobj reads it") {
  CHECK(to_string(parse(read_file(std::string(OSR_STACKMAP_CORPUS) + "/plain-O2.bin"))) ==
        R"(function 0: address 0x0, stack size 40, records 2
function 1: address 0x0, stack size 8, records 1
function 2: address 0x0, stack size unknown, records 1
record 0: id 0x1, function 0, offset 31
  0: Register r14 size 8
  1: Register r3 size 8
  2: Indirect [r6-24] size 8
  3: Direct r6-32
  4: Constant 0x2a
  5: Constant 0xffffffffffffffff
  6: Constant 0x123456789abcdef
  7: Constant 0x7
record 1: id 0x2, function 0, offset 39
  0: Register r14 size 8
record 2: id 0x100000002, function 1, offset 9
record 3: id 0x4, function 2, offset 32
  0: Register r14 size 8
  1: Register r3 size 8
  2: Constant 0x7048860ddf79
)");
}

TEST_CASE("every seed of the corpus parses") {
  REQUIRE(corpus_files().size() >= 9);
  for (const auto &path : corpus_files()) {
    INFO(path);
    const RawStackMap map = parse(read_file(path));
    CHECK_FALSE(map.records.empty());
  }
}

TEST_CASE("maps that a linker put one behind another are read as one") {
  const std::string folder = OSR_STACKMAP_CORPUS;
  const RawStackMap first = parse(read_file(folder + "/plain-O2.bin"));
  const RawStackMap both = parse(read_file(folder + "/two-maps.bin"));
  REQUIRE(both.records.size() > first.records.size());
  CHECK(both.records[first.records.size()].function == first.functions.size());
}

TEST_CASE("an empty section is an empty map") { CHECK(parse({}).records.empty()); }

TEST_CASE("each location kind") {
  CHECK(only_location(with_location(1, 16, 17, 0)) == RawLocation{RawLocation::Kind::Register, 16, 17, 0, 0});
  CHECK(only_location(with_location(2, 8, 6, -24)) == RawLocation{RawLocation::Kind::Direct, 8, 6, -24, 0});
  CHECK(only_location(with_location(3, 4, 7, 12)) == RawLocation{RawLocation::Kind::Indirect, 4, 7, 12, 0});
  CHECK(only_location(with_location(4, 8, 0, -2)) == RawLocation{RawLocation::Kind::Constant, 8, 0, 0, ~1ull});
  CHECK(only_location(with_location(5, 8, 0, 0)) == RawLocation{RawLocation::Kind::Constant, 8, 0, 0, 1ull << 40});
}

TEST_CASE("bad locations are refused") {
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of(with_location(0, 8, 0, 0)), Contains("unknown location kind 0"));
  CHECK_THAT(error_of(with_location(6, 8, 0, 0)), Contains("unknown location kind 6"));
  CHECK_THAT(error_of(with_location(1, 8, 200, 0)), Contains("register 200"));
  CHECK_THAT(error_of(with_location(1, 65, 0, 0)), Contains("65 bytes"));
  CHECK_THAT(error_of(with_location(2, 4, 6, 0)), Contains("address of 4 bytes"));
  CHECK_THAT(error_of(with_location(2, 8, 16, 0)), Contains("base register 16"));
  CHECK_THAT(error_of(with_location(3, 0, 6, 0)), Contains("0 bytes"));
  CHECK_THAT(error_of(with_location(5, 8, 0, 1)), Contains("constant 1 of 1"));
  CHECK_THAT(error_of(with_location(5, 8, 0, -1)), Contains("constant 4294967295 of 1"));
}

TEST_CASE("bad headers and counts are refused before memory is taken") {
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of({3, 0, 0}), Contains("header needs 16 bytes"));
  CHECK_THAT(error_of(Writer().put<std::uint32_t>(4).put<std::uint32_t>(0).put<std::uint64_t>(0).bytes),
             Contains("version 4"));
  CHECK_THAT(error_of(Writer().header(~0u, ~0u, ~0u).bytes), Contains("4294967295 functions"));
  CHECK_THAT(error_of(Writer().header(0, 0, ~0u).bytes), Contains("4294967295 records"));
  CHECK_THAT(error_of(Writer().header(1, 0, 1).function(2).record(1).location(4, 8, 0, 0).tail().bytes),
             Contains("claims 2 records"));
  CHECK_THAT(error_of(Writer().header(1, 0, 1).function(0).record(1).location(4, 8, 0, 0).tail().bytes),
             Contains("belong to no function"));
  // Record counts whose sum wraps around to the right total.
  CHECK_THAT(error_of(Writer().header(2, 0, 1).function(~0ull).function(2).record(1).location(4, 8, 0, 0).tail().bytes),
             Contains("claims 18446744073709551615 records"));
  CHECK_THAT(error_of(Writer().header(1, 0, 1).function(1).record(0xffff).location(4, 8, 0, 0).tail().bytes),
             Contains("65535 locations"));
}

TEST_CASE("every cut of a real section is refused") {
  for (const auto &path : corpus_files()) {
    const Bytes whole = read_file(path);
    if (path.filename() == "two-maps.bin")
      continue; // a cut between the two maps leaves a whole map
    for (std::size_t size = 1; size != whole.size(); ++size) {
      INFO(path << " cut to " << size);
      const Bytes cut(whole.begin(), whole.begin() + std::ptrdiff_t(size));
      CHECK_FALSE(error_of(cut).empty());
    }
  }
}

TEST_CASE("padding and reserved bytes that are not zero are refused") {
  const Bytes good = with_location(4, 8, 0, 1);
  REQUIRE(parse(good).records.size() == 1);
  const std::size_t record = 16 + 24 + 8;
  for (std::size_t at : {1ul, 2ul, 3ul, record + 12, record + 17, record + 22, record + 28, record + 32, record + 36}) {
    Bytes bad = good;
    bad[at] = 0x80;
    INFO("byte " << at);
    CHECK_FALSE(error_of(bad).empty());
  }
}

TEST_CASE("random mutations of real sections never crash the parser") {
  std::mt19937 random(20240229);
  std::size_t parsed = 0;
  for (const auto &path : corpus_files()) {
    const Bytes original = read_file(path);
    for (int round = 0; round != 3000; ++round) {
      Bytes bytes = original;
      for (unsigned edits = 1 + random() % 4; edits != 0; --edits) {
        const std::size_t at = random() % bytes.size();
        switch (random() % 4) {
        case 0: bytes[at] = std::uint8_t(random()); break;
        case 1: bytes[at] ^= std::uint8_t(1u << random() % 8); break;
        case 2: bytes.insert(bytes.begin() + std::ptrdiff_t(at), std::uint8_t(random() % 4)); break;
        case 3: bytes.erase(bytes.begin() + std::ptrdiff_t(at)); break;
        }
      }
      llvm::Expected<RawStackMap> map = parse_stack_map(bytes);
      if (!map) {
        llvm::consumeError(map.takeError());
        continue;
      }
      ++parsed;
      std::uint64_t claimed = 0;
      for (const RawFunction &function : map->functions)
        claimed += function.record_count;
      REQUIRE(claimed == map->records.size());
      REQUIRE_FALSE(to_string(*map).empty());
    }
  }
  CHECK(parsed > 100); // the mutations do reach behind the header
}
