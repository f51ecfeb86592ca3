// What records have in common is found first, and written once.
#include "compiler/base/check.h"
#include "runtime/stackmap/record_codec.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringMap.h>

namespace osr {

namespace {

llvm::StringRef text_of(const RecordBytes &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

class Encoder {
public:
  Encoder(llvm::ArrayRef<const SiteRecord *> records, OffsetBytes offsets)
      : records_(records), offsets_(offsets), base_function_(records.front()->frames.front().site.function) {}

  EncodedRecords run() {
    for (const SiteRecord *record : records_)
      for (const FrameRecord &frame : record->frames)
        note(frame);
    put_unsigned(result_.bytes, base_function_);
    put_shared();
    auto next = chains_.begin();
    for (const SiteRecord *record : records_) {
      result_.positions.push_back(std::uint32_t(result_.bytes.size()));
      put_head(*record);
      for (std::size_t i = 0; i != record->frames.size(); ++i)
        put_frame(frames_[*next++]);
    }
    return std::move(result_);
  }

private:
  struct Value {
    llvm::StringRef bytes;
    std::uint32_t count = 0; ///< in frames that are written
    std::uint32_t number = not_shared;
  };
  struct Frame {
    const FrameRecord *record;
    std::vector<std::uint32_t> values; ///< indices of values_
    std::size_t written_at = 0; ///< 0: not yet
  };
  static constexpr std::uint32_t not_shared = ~std::uint32_t(0);

  std::uint32_t index_of(const RecordedValue &value) {
    scratch_.clear();
    encode_value(value, scratch_);
    const auto [entry, is_new] = known_values_.try_emplace(text_of(scratch_), values_.size());
    if (is_new)
      values_.push_back({entry->getKey()});
    return entry->second;
  }

  void note(const FrameRecord &record) {
    Frame frame{&record, {}};
    frame.values.reserve(record.values.size());
    for (const RecordedValue &value : record.values)
      frame.values.push_back(index_of(value));
    scratch_.clear();
    put_site(record, scratch_);
    for (const std::uint32_t value : frame.values)
      put_unsigned(scratch_, value);
    const auto [entry, is_new] = known_frames_.try_emplace(text_of(scratch_), frames_.size());
    chains_.push_back(entry->second);
    if (!is_new)
      return;
    for (const std::uint32_t value : frame.values)
      ++values_[value].count;
    frames_.push_back(std::move(frame));
  }

  /// Those that are wanted most have the shortest numbers.
  void put_shared() {
    std::vector<Value *> shared;
    for (Value &value : values_)
      if (value.count * (value.bytes.size() - 1) > value.bytes.size() + 1) // a number and a position take a byte each
        shared.push_back(&value);
    llvm::stable_sort(shared, [](const Value *a, const Value *b) { return a->count > b->count; });
    RecordBytes &bytes = result_.bytes;
    put_unsigned(bytes, shared.size());
    if (shared.empty())
      return;
    std::uint64_t size = 0, position = 0;
    for (const Value *value : shared)
      size += value->bytes.size();
    put_unsigned(bytes, size);
    for (auto [number, value] : llvm::enumerate(shared)) {
      value->number = std::uint32_t(number);
      put_fixed(position, position_bytes(size));
      position += value->bytes.size();
    }
    for (const Value *value : shared)
      bytes.append(value->bytes.bytes_begin(), value->bytes.bytes_end());
  }

  void put_fixed(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i != size; ++i)
      result_.bytes.push_back(std::uint8_t(value >> 8 * i));
  }

  void put_head(const SiteRecord &record) {
    put_fixed(record.return_pc_offset, unsigned(offsets_));
    put_unsigned(result_.bytes, record.frames.size() * 2 + record.certified);
  }

  void put_frame(Frame &frame) {
    RecordBytes &bytes = result_.bytes;
    const std::size_t begin = bytes.size();
    if (frame.written_at != 0) {
      bytes.push_back(0);
      return put_unsigned(bytes, begin - frame.written_at);
    }
    frame.written_at = begin;
    put_site(*frame.record, bytes);
    for (const std::uint32_t value : frame.values)
      put_value(values_[value]);
  }

  void put_site(const FrameRecord &frame, RecordBytes &bytes) const {
    const std::int64_t distance = std::int64_t(frame.site.function) - base_function_;
    put_unsigned(bytes, 1 + (std::uint64_t(distance) << 1 ^ std::uint64_t(distance >> 63)));
    put_unsigned(bytes, frame.site.index);
    put_unsigned(bytes, frame.values.size());
  }

  void put_value(const Value &value) {
    RecordBytes &bytes = result_.bytes;
    if (value.number == not_shared) {
      bytes.append(value.bytes.bytes_begin(), value.bytes.bytes_end());
    } else if (value.number < first_long_number) {
      bytes.push_back(std::uint8_t(number_mark + value.number));
    } else {
      bytes.push_back(long_number);
      put_unsigned(bytes, value.number - first_long_number);
    }
  }

  llvm::ArrayRef<const SiteRecord *> records_;
  OffsetBytes offsets_;
  FunctionId base_function_;
  llvm::StringMap<std::uint32_t> known_values_, known_frames_; ///< by their bytes: indices of the following
  std::vector<Value> values_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> chains_; ///< the frames of all records, one behind the other
  RecordBytes scratch_;
  EncodedRecords result_;
};

} // namespace

EncodedRecords encode_records(llvm::ArrayRef<const SiteRecord *> records, OffsetBytes offsets) {
  for (const SiteRecord *record : records)
    OSR_CHECK(!record->frames.empty(), "site record at offset {:#x} has no frame", record->return_pc_offset);
  return Encoder(records, offsets).run();
}

} // namespace osr
