#include "osr/statistics.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace osr {

double Statistics::compile_seconds() const {
  double seconds = 0;
  for (const auto &[tier, counts] : compile)
    seconds += counts.seconds;
  return seconds;
}

namespace {

using Json = nlohmann::json;

Json describe(const Statistics::Compile &counts) {
  return {{"count", counts.count},
          {"from_cache", counts.from_cache},
          {"seconds", counts.seconds},
          {"code_bytes", counts.code_bytes},
          {"map_bytes_raw", counts.map_bytes_raw},
          {"map_bytes_compact", counts.map_bytes_compact},
          {"sites", counts.sites},
          {"spilled", counts.spilled}};
}

void add_compiled(const Statistics &all, Json &result) {
  std::uint64_t certified = 0, emitted = 0;
  std::map<std::string, std::uint64_t> refused = all.sites_refused;
  for (const auto &[tier, counts] : all.compile) {
    result["compile"][tier] = describe(counts);
    certified += counts.certified;
    if (tier == "baseline")
      emitted = counts.sites;
    for (const auto &[reason, count] : counts.refused)
      refused[fmt::format("{}: {}", tier, reason)] += count;
  }
  result["sites"] = {{"total", all.sites_total},
                     {"loops", all.loop_sites},
                     {"compiled_baseline", emitted},
                     {"certified", certified},
                     {"refused", refused}};
  result["functions"] = {
      {"total", all.functions_total}, {"pinned", all.functions_pinned}, {"not_optimized", all.functions_not_optimized}};
}

/// Frames that were replaced, and those that were only met.
void add_frames(const Statistics &all, Json &result) {
  result["frames"] = {
      {"rewritten", all.frames_rewritten}, {"walked", all.frames_walked}, {"flipped_at_polls", all.polls_flipped}};
  result["walks"] = {{"total", all.walks}, {"failed", all.walks_failed}};
  result["stack"] = {{"max_depth", all.max_stack_depth}};
  result["stubs"] = {{"count", all.stubs}, {"bytes", all.stub_bytes}};
  result["transitions"] = {{"in_place", all.transitions.in_place},
                           {"continuation", all.transitions.continuation},
                           {"split", all.transitions.split},
                           {"refused", all.transitions.refused}};
  result["exceptions"] = {{"unwound", all.exceptions.unwound},
                          {"landed_in_new", all.exceptions.landed_in_new},
                          {"landed_in_old", all.exceptions.landed_in_old}};
}

void add_requests(const Statistics &all, Json &result) {
  result["requests"] = {{"count", all.requests.count},
                        {"met_activations", all.requests.met},
                        {"rewritten", all.requests.rewritten},
                        {"at_polls", all.requests.at_polls},
                        {"followed", all.requests.followed},
                        {"already", all.requests.already},
                        {"running", all.requests.running},
                        {"stops", all.requests.stops},
                        {"longest_pause_seconds", all.requests.longest_pause},
                        {"longest_poll_seconds", all.requests.longest_poll},
                        {"refused", all.requests.refused}};
  result["redefined"] = all.redefined;
}

void add_assumptions(const Statistics &all, Json &result) {
  result["guards"] = {{"sites", all.guards.sites},     {"failed", all.guards.failed},
                      {"dropped", all.guards.dropped}, {"invalidated", all.guards.invalidated},
                      {"exits", all.guards.exits},     {"refused", all.guards.refused}};
  if (all.speculation.is_on)
    result["speculation"] = {{"branches", all.speculation.branches},
                             {"single_calls", all.speculation.single_calls},
                             {"tested_calls", all.speculation.tested_calls},
                             {"inlined", all.speculation.inlined},
                             {"failed", all.speculation.failed}};
}

/// Where code is, what was changed in it, and what was freed.
void add_code(const Statistics &all, Json &result) {
  result["freed"] = {{"objects", all.freed.objects},
                     {"code_bytes", all.freed.code_bytes},
                     {"stubs", all.freed.stubs},
                     {"scans", all.freed.scans},
                     {"waiting", all.freed.waiting}};
  result["calls"] = {{"sites", all.calls.sites},
                     {"bound", all.calls.bound},
                     {"rewritten", all.calls.rewritten},
                     {"stops", all.calls.stops}};
  result["return_points"] = {{"patched", all.return_points.patched},
                             {"patches", all.return_points.patches},
                             {"restored", all.return_points.restored}};
  result["mappings"] = {{"total", all.mappings.total},
                        {"writable_and_executable", all.mappings.writable_and_executable}};
}

Json describe(const Statistics::TierUp &tier_up) {
  return {{"functions", tier_up.functions.size()},
          {"by_entry", tier_up.by_entry},
          {"by_loop", tier_up.by_loop},
          {"by_sampler", tier_up.by_sampler},
          {"requests", tier_up.requests},
          {"moved", tier_up.moved},
          {"at_polls", tier_up.at_polls},
          {"left", tier_up.left},
          {"samples", tier_up.samples},
          {"most_waiting", tier_up.most_waiting},
          {"dropped", tier_up.dropped},
          {"unfinished", tier_up.unfinished},
          {"seconds", tier_up.seconds},
          {"failed", tier_up.failed}};
}

} // namespace

std::string Statistics::to_json() const {
  Json result;
  add_compiled(*this, result);
  add_frames(*this, result);
  add_requests(*this, result);
  add_assumptions(*this, result);
  add_code(*this, result);
  if (tier_up.is_on)
    result["tier_up"] = describe(tier_up);
  result["fault_seeded"] = fault_seeded;
  result["threads"] = {{"most_at_once", most_threads}};
  auto running = std::chrono::steady_clock::now() - program_start;
  result["program"] = {{"seconds", std::chrono::duration<double>(running).count()}};
  return result.dump(2);
}

} // namespace osr
