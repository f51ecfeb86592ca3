#include "osr-stubs/move_schedule.h"

#include <algorithm>
#include <utility>

namespace osr {

namespace {

constexpr std::uint32_t none = ~std::uint32_t(0);
bool reads_state(const Copy &copy) {
  return copy.from == ValueSource::Kind::Register || copy.from == ValueSource::Kind::Frame;
}

class Scheduler {
public:
  Scheduler(const TransitionScript &script, const ScratchRegisters &scratch);
  MoveSchedule run();

private:
  void find_edges();
  void add_edges_to_memory_targets(std::uint32_t reader);
  void add_edge(std::uint32_t reader, std::uint32_t writer);
  void source_was_read(std::uint32_t copy);
  void finish(std::uint32_t copy);
  void finish_stateless();
  void hold(std::uint32_t copy);
  std::uint32_t pending_reader_of_target(std::uint32_t writer) const;
  std::uint32_t choose_from_circle(std::uint32_t start);
  Holder take_holder(const Copy &copy);
  void release(const Holder &holder);

  struct Edge {
    std::uint32_t reader, writer;
  };

  ScratchRegisters scratch_;
  MoveSchedule result_;
  std::vector<Copy> &copies_ = result_.copies;
  std::vector<std::uint32_t> by_target_; ///< copies to frame memory, by target offset
  std::vector<Edge> edges_; ///< the reader must read before the writer writes; sorted by reader
  std::vector<Edge> by_writer_; ///< the same, sorted by writer; made when first needed
  std::vector<std::uint32_t> first_edge_; ///< per reader, index into edges_
  std::vector<std::uint32_t> blockers_; ///< per copy: how many others must read first
  std::vector<bool> was_read_, finished_;
  std::vector<Holder> holders_;
  std::vector<std::uint32_t> ready_;
  std::vector<std::uint32_t> free_general_, free_vector_;
  std::vector<std::uint32_t> mark_; ///< choose_from_circle: 1 + step of the visit
  std::uint32_t scratch_top_ = 0, memory_holders_ = 0;
};

Scheduler::Scheduler(const TransitionScript &script, const ScratchRegisters &scratch) : scratch_(scratch) {
  copies_ = make_copies(script);
  const std::size_t count = copies_.size();
  blockers_.assign(count, 0);
  was_read_.assign(count, false);
  finished_.assign(count, false);
  holders_.resize(count);
  result_.steps.reserve(count);
  for (std::uint32_t index = scratch.general; index-- > 0;)
    free_general_.push_back(index);
  for (std::uint32_t index = scratch.vector; index-- > 0;)
    free_vector_.push_back(index);
}

void Scheduler::add_edge(std::uint32_t reader, std::uint32_t writer) {
  if (reader == writer)
    return;
  edges_.push_back({reader, writer});
  ++blockers_[writer];
}

void Scheduler::add_edges_to_memory_targets(std::uint32_t reader) {
  const std::int32_t begin = copies_[reader].source_offset;
  const std::int32_t end = begin + std::int32_t(copies_[reader].size);
  // Targets are disjoint, so those that overlap the source stand side by side.
  auto ends_before = [&](std::uint32_t writer, std::int32_t offset) {
    return copies_[writer].target.offset + std::int32_t(copies_[writer].size) <= offset;
  };
  auto writer = std::lower_bound(by_target_.begin(), by_target_.end(), begin, ends_before);
  for (; writer != by_target_.end() && copies_[*writer].target.offset < end; ++writer)
    add_edge(reader, *writer);
}

void Scheduler::find_edges() {
  std::uint32_t register_writer[saved_register_count];
  std::fill(std::begin(register_writer), std::end(register_writer), none);
  for (std::uint32_t copy = 0; copy < copies_.size(); ++copy) {
    if (!reads_state(copies_[copy]))
      continue; // goes last, when nothing is left to be read
    const ValueTarget &target = copies_[copy].target;
    if (target.kind == ValueTarget::Kind::Frame)
      by_target_.push_back(copy);
    else if (target.kind == ValueTarget::Kind::Register)
      register_writer[unsigned(target.reg)] = copy;
  }
  std::sort(by_target_.begin(), by_target_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return copies_[a].target.offset < copies_[b].target.offset; });
  first_edge_.reserve(copies_.size() + 1);
  for (std::uint32_t copy = 0; copy < copies_.size(); ++copy) {
    first_edge_.push_back(std::uint32_t(edges_.size()));
    if (copies_[copy].from == ValueSource::Kind::Frame)
      add_edges_to_memory_targets(copy);
    else if (copies_[copy].from == ValueSource::Kind::Register)
      if (const std::uint32_t writer = register_writer[unsigned(copies_[copy].source_reg)]; writer != none)
        add_edge(copy, writer);
  }
  first_edge_.push_back(std::uint32_t(edges_.size()));
}

void Scheduler::source_was_read(std::uint32_t copy) {
  was_read_[copy] = true;
  for (std::uint32_t edge = first_edge_[copy]; edge < first_edge_[copy + 1]; ++edge)
    if (--blockers_[edges_[edge].writer] == 0)
      ready_.push_back(edges_[edge].writer);
}

void Scheduler::finish(std::uint32_t copy) {
  result_.steps.push_back({ScheduleStep::Kind::Finish, copy, holders_[copy]});
  release(holders_[copy]);
  finished_[copy] = true;
  if (!was_read_[copy])
    source_was_read(copy);
}

void Scheduler::hold(std::uint32_t copy) {
  holders_[copy] = take_holder(copies_[copy]);
  result_.steps.push_back({ScheduleStep::Kind::Hold, copy, holders_[copy]});
  source_was_read(copy);
}

/// Some copy that must still read what `writer` will overwrite.
std::uint32_t Scheduler::pending_reader_of_target(std::uint32_t writer) const {
  auto edge = std::lower_bound(by_writer_.begin(), by_writer_.end(), writer,
                               [](const Edge &a, std::uint32_t b) { return a.writer < b; });
  while (was_read_[edge->reader])
    ++edge;
  return edge->reader;
}

/// Every pending copy waits for another one, so following the waits from anywhere runs into a circle. Returns its
/// smallest member, of those that may be held in registers if there are any: small values fit into more kinds of holder.
std::uint32_t Scheduler::choose_from_circle(std::uint32_t start) {
  if (by_writer_.empty()) {
    by_writer_ = edges_;
    std::sort(by_writer_.begin(), by_writer_.end(), [](const Edge &a, const Edge &b) { return a.writer < b.writer; });
  }
  mark_.assign(copies_.size(), 0);
  std::vector<std::uint32_t> path;
  for (std::uint32_t copy = start; mark_[copy] == 0; copy = pending_reader_of_target(copy)) {
    path.push_back(copy);
    mark_[copy] = std::uint32_t(path.size());
  }
  const std::uint32_t entry = mark_[pending_reader_of_target(path.back())] - 1;
  const auto cost = [&](std::uint32_t copy) { return std::pair(copies_[copy].caller.has_value(), copies_[copy].size); };
  return *std::min_element(path.begin() + entry, path.end(),
                           [&](std::uint32_t a, std::uint32_t b) { return cost(a) < cost(b); });
}

Holder Scheduler::take_holder(const Copy &copy) {
  const std::uint32_t size = copy.size;
  auto take = [](std::vector<std::uint32_t> &from) {
    const std::uint32_t index = from.back();
    from.pop_back();
    return index;
  };
  if (size <= 8 && !copy.caller && !free_general_.empty())
    return {Holder::Kind::General, take(free_general_)};
  if (!copy.caller && !free_vector_.empty())
    return {Holder::Kind::Vector, take(free_vector_)};
  const std::uint32_t offset = scratch_top_;
  scratch_top_ += size <= 8 ? 8 : size;
  ++memory_holders_;
  result_.scratch_bytes = std::max(result_.scratch_bytes, (scratch_top_ + widest_copy - 1) / widest_copy * widest_copy);
  return {Holder::Kind::Memory, offset};
}

void Scheduler::release(const Holder &holder) {
  switch (holder.kind) {
  case Holder::Kind::None: return;
  case Holder::Kind::General: free_general_.push_back(holder.index); return;
  case Holder::Kind::Vector: free_vector_.push_back(holder.index); return;
  case Holder::Kind::Memory:
    if (--memory_holders_ == 0)
      scratch_top_ = 0;
    return;
  }
}

/// Constants and frame addresses. Equal constants side by side, so that one load can serve many stores.
void Scheduler::finish_stateless() {
  std::vector<std::uint32_t> rest;
  for (std::uint32_t copy = 0; copy < copies_.size(); ++copy)
    if (!reads_state(copies_[copy]))
      rest.push_back(copy);
  std::stable_sort(rest.begin(), rest.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return copies_[a].constant < copies_[b].constant; });
  for (const std::uint32_t copy : rest)
    finish(copy);
}

MoveSchedule Scheduler::run() {
  find_edges();
  for (std::uint32_t copy = std::uint32_t(copies_.size()); copy-- > 0;)
    if (reads_state(copies_[copy]) && blockers_[copy] == 0)
      ready_.push_back(copy);
  for (std::uint32_t next = 0;;) {
    while (!ready_.empty()) {
      const std::uint32_t copy = ready_.back();
      ready_.pop_back();
      finish(copy);
    }
    while (next < copies_.size() && (finished_[next] || !reads_state(copies_[next])))
      ++next;
    if (next == copies_.size())
      break;
    hold(choose_from_circle(next));
  }
  finish_stateless();
  return std::move(result_);
}

} // namespace

MoveSchedule schedule_moves(const TransitionScript &script, const ScratchRegisters &scratch) {
  return Scheduler(script, scratch).run();
}

} // namespace osr
