// Site tables: what goes in comes out, in little space.
#include "runtime/stackmap/site_table.h"
#include "test/support/catch_header.h"

#include <limits>
#include <random>

using namespace osr;

namespace {

constexpr std::uint32_t sizes[] = {0, 1, 2, 3, 4, 8, 10, 16, 24, 32, 64, 100000, ~0u};
constexpr std::int64_t operands[] = {0,
                                     1,
                                     -1,
                                     63,
                                     64,
                                     -64,
                                     -65,
                                     1 << 20,
                                     std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max()};
constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min(), highest = ~lowest;
constexpr std::int32_t offsets[] = {0, -8, -24, -20, -21, -512, -520, 8, 7, lowest, lowest + 4, highest};

template <typename T, std::size_t n> T pick(std::mt19937 &random, const T (&from)[n]) { return from[random() % n]; }

ValueSource random_source(std::mt19937 &random) {
  ValueSource source;
  source.kind = ValueSource::Kind(random() % 4);
  switch (source.kind) {
  case ValueSource::Kind::Register: source.reg = SavedRegister(random() % saved_register_count); break;
  case ValueSource::Kind::Frame:
  case ValueSource::Kind::FrameAddress: source.cfa_offset = pick(random, offsets); break;
  case ValueSource::Kind::Constant: source.constant = std::uint64_t(pick(random, operands)); break;
  }
  if (random() % 3 == 0)
    for (unsigned steps = 1 + random() % 4; steps != 0; --steps)
      source.recipe.push_back({RecipeStep::Kind(random() % 6), pick(random, operands)});
  return source;
}

SiteRecord random_record(std::mt19937 &random, std::uint32_t offset) {
  SiteRecord record{offset, random() % 2 == 0, {}};
  for (unsigned frames = 1 + random() % 4; frames != 0; --frames) {
    FrameRecord frame;
    frame.site.function = random() % 8 == 0 ? ~0u : std::uint32_t(random() % 100);
    frame.site.index = random() % 8 == 0 ? ~0u : std::uint32_t(random() % 1000);
    for (unsigned values = random() % 9; values != 0; --values)
      frame.values.push_back({random_source(random), pick(random, sizes)});
    record.frames.push_back(std::move(frame));
  }
  return record;
}

} // namespace

TEST_CASE("random records come back as they were") {
  std::mt19937 random(7);
  for (std::uint32_t count : {0u, 1u, 2u, 3u, 17u, 1000u}) {
    std::vector<SiteRecord> records;
    std::uint32_t offset = 0;
    for (std::uint32_t i = 0; i != count; ++i)
      records.push_back(random_record(random, offset += 1 + random() % 70));
    std::vector<SiteRecord> shuffled = records;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    const SiteTable table = SiteTable::build(shuffled);
    REQUIRE(table.size() == count);
    std::size_t next = 0;
    table.for_each([&](const SiteRecord &record) { REQUIRE(record == records.at(next++)); });
    REQUIRE(next == count);
    for (const SiteRecord &record : records) {
      REQUIRE(table.contains(record.return_pc_offset));
      REQUIRE(table.find(record.return_pc_offset) == record);
      const SiteSummary summary = table.look_up(record.return_pc_offset).summary();
      CHECK(summary.return_pc_offset == record.return_pc_offset);
      CHECK(summary.certified == record.certified);
      CHECK(summary.frame_count == record.frames.size());
      CHECK(summary.outermost == record.frames.front().site);
    }
  }
}

TEST_CASE("offsets that are no return PCs are not found") {
  std::mt19937 random(8);
  std::vector<SiteRecord> records;
  for (std::uint32_t i = 1; i != 500; ++i)
    records.push_back(random_record(random, i * 8));
  records.push_back(random_record(random, 0));
  records.push_back(random_record(random, ~0u));
  const SiteTable table = SiteTable::build(records);
  for (std::uint32_t offset = 0; offset != 5000; ++offset) {
    const bool expected = offset % 8 == 0 && offset / 8 < 500;
    REQUIRE(table.contains(offset) == expected);
    REQUIRE(table.find(offset).has_value() == expected);
  }
  CHECK(table.contains(~0u));
  CHECK_FALSE(SiteTable().contains(0));
  CHECK_FALSE(SiteTable().look_up(0));
}

TEST_CASE("values and frames that many sites have in common are kept once") {
  std::mt19937 random(9);
  const FrameRecord outer = random_record(random, 0).frames.front();
  std::vector<RecordedValue> values;
  for (std::int32_t i = 0; i != 200; ++i) // more than have short numbers
    values.push_back({{ValueSource::Kind::Frame, {}, -8 * i, 0, {{RecipeStep::Kind::Add, i}}}, 8});
  std::vector<SiteRecord> records;
  for (std::uint32_t i = 0; i != 5000; ++i) {
    FrameRecord inner{{5, i}, {}};
    for (std::uint32_t v = 0; v != 3; ++v)
      inner.values.push_back(values[(i * 7 + v * 31) % values.size()]);
    records.push_back({i * 20, false, {outer, inner}});
  }
  const SiteTable table = SiteTable::build(records);
  for (const SiteRecord &record : records) {
    REQUIRE(table.find(record.return_pc_offset) == record);
    REQUIRE(table.look_up(record.return_pc_offset).summary().outermost == outer.site);
  }
  CHECK(double(table.bytes()) / double(records.size()) < 28); // each by itself: more than 40
}

TEST_CASE("a site with six values takes at most 40 bytes in all") {
  std::vector<SiteRecord> records;
  for (std::uint32_t i = 0; i != 1000; ++i) {
    FrameRecord frame{{3, i}, {}};
    for (std::int32_t v = 0; v != 4; ++v)
      frame.values.push_back({{ValueSource::Kind::Frame, {}, -16 - 8 * (std::int32_t(i) % 80 + v), 0, {}}, 8});
    frame.values.push_back({{ValueSource::Kind::Constant, {}, 0, i, {}}, 4});
    frame.values.push_back({{ValueSource::Kind::Register, SavedRegister::R12, 0, 0, {}}, 8});
    records.push_back({i * 23, i % 2 == 0, {frame}});
  }
  const double bytes_per_site = double(SiteTable::build(records).bytes()) / 1000;
  INFO(bytes_per_site << " bytes per site");
  CHECK(bytes_per_site <= 40);
}

TEST_CASE("a record prints as stable text") {
  const ValueSource recomputed{ValueSource::Kind::Register, SavedRegister::R15, 0, 0, {{RecipeStep::Kind::Add, -1}}};
  const SiteRecord record{0x2a,
                          true,
                          {{{1, 2}, {{{ValueSource::Kind::Frame, {}, -24, 0, {}}, 4}}},
                           {{5, 0},
                            {{recomputed, 8},
                             {{ValueSource::Kind::FrameAddress, {}, 16, 0, {}}, 8},
                             {{ValueSource::Kind::Constant, {}, 0, 255, {}}, 1}}}}};
  CHECK(to_string(record) == R"(return PC +0x2a certified
  site 1.2
    0: [cfa-24] size 4
  site 5.0
    0: r15 size 8 add -1
    1: cfa+16 size 8
    2: 0xff size 1
)");
}
