#include "osr/statistics.h"

#include <nlohmann/json.hpp>

namespace osr {

double Statistics::compile_seconds() const {
  double seconds = 0;
  for (const auto &[tier, counts] : compile)
    seconds += counts.seconds;
  return seconds;
}

std::string Statistics::to_json() const {
  nlohmann::json result;
  std::uint64_t certified = 0, emitted = 0;
  std::map<std::string, std::uint64_t> refused = sites_refused;
  for (const auto &[tier, counts] : compile) {
    result["compile"][tier] = {{"count", counts.count},
                               {"seconds", counts.seconds},
                               {"code_bytes", counts.code_bytes},
                               {"map_bytes_raw", counts.map_bytes_raw},
                               {"map_bytes_compact", counts.map_bytes_compact},
                               {"sites", counts.sites},
                               {"spilled", counts.spilled}};
    certified += counts.certified;
    if (tier == "baseline")
      emitted = counts.sites;
    for (const auto &[reason, count] : counts.refused)
      refused[tier + ": " + reason] += count;
  }
  result["sites"] = {{"total", sites_total},
                     {"loops", loop_sites},
                     {"compiled_baseline", emitted},
                     {"certified", certified},
                     {"refused", refused}};
  result["functions"] = {
      {"total", functions_total}, {"pinned", functions_pinned}, {"not_optimized", functions_not_optimized}};
  result["frames"] = {{"rewritten", frames_rewritten}, {"walked", frames_walked}, {"flipped_at_polls", polls_flipped}};
  result["fault_seeded"] = fault_seeded;
  result["walks"] = {{"total", walks}, {"failed", walks_failed}};
  result["stubs"] = {{"count", stubs}, {"bytes", stub_bytes}};
  result["stack"] = {{"max_depth", max_stack_depth}};
  result["transitions"] = {{"in_place", transitions.in_place},
                           {"continuation", transitions.continuation},
                           {"split", transitions.split},
                           {"refused", transitions.refused}};
  result["exceptions"] = {{"unwound", exceptions.unwound},
                          {"landed_in_new", exceptions.landed_in_new},
                          {"landed_in_old", exceptions.landed_in_old}};
  result["requests"] = {{"count", requests.count},
                        {"met_activations", requests.met},
                        {"rewritten", requests.rewritten},
                        {"at_polls", requests.at_polls},
                        {"followed", requests.followed},
                        {"already", requests.already},
                        {"running", requests.running},
                        {"stops", requests.stops},
                        {"longest_pause_seconds", requests.longest_pause},
                        {"longest_poll_seconds", requests.longest_poll},
                        {"refused", requests.refused}};
  result["redefined"] = redefined;
  result["guards"] = {{"sites", guards.sites},     {"failed", guards.failed},
                      {"dropped", guards.dropped}, {"invalidated", guards.invalidated},
                      {"exits", guards.exits},     {"refused", guards.refused}};
  if (speculation.is_on)
    result["speculation"] = {{"branches", speculation.branches},
                             {"single_calls", speculation.single_calls},
                             {"tested_calls", speculation.tested_calls},
                             {"inlined", speculation.inlined},
                             {"failed", speculation.failed}};
  result["freed"] = {{"objects", freed.objects},
                     {"code_bytes", freed.code_bytes},
                     {"stubs", freed.stubs},
                     {"scans", freed.scans},
                     {"waiting", freed.waiting}};
  result["calls"] = {
      {"sites", calls.sites}, {"bound", calls.bound}, {"rewritten", calls.rewritten}, {"stops", calls.stops}};
  result["return_points"] = {
      {"patched", return_points.patched}, {"patches", return_points.patches}, {"restored", return_points.restored}};
  result["mappings"] = {{"total", mappings.total}, {"writable_and_executable", mappings.writable_and_executable}};
  if (tier_up.is_on)
    result["tier_up"] = {{"functions", tier_up.functions.size()},
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
  result["threads"] = {{"most_at_once", most_threads}};
  auto running = std::chrono::steady_clock::now() - program_start;
  result["program"] = {{"seconds", std::chrono::duration<double>(running).count()}};
  return result.dump(2);
}

} // namespace osr
