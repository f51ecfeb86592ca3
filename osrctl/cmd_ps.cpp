// osrctl ps: programs that can be attached to.
#include "osrctl/attach_text.h"
#include "osrctl/commands.h"
#include "osrctl/control_connection.h"
#include "osrctl/load_input.h"
#include "osrctl/pager.h"

#include <fmt/format.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr double patience_seconds =
    2; ///< a process that is stopped, or compiles for long, is listed without its numbers

/// What is known of one process; nothing: it has ended meanwhile, or is another program.
std::optional<json> look_at(const ControlledProcess &process) {
  auto connection = ControlConnection::open(process, ControlConnection::Seconds(patience_seconds));
  if (!connection) {
    Error problem = connection.takeError();
    const bool is_gone = problem.isA<NobodyListens>();
    const std::string text = toString(std::move(problem));
    return is_gone ? std::nullopt : std::optional(json{{"pid", process.pid}, {"problem", text}});
  }
  json row{{"pid", process.pid},
           {"program", connection->greeting().value("program", "")},
           {"read_only", connection->greeting().value("read_only", false)}};
  if (auto status = connection->ask("status", json::object()))
    row.update(*status);
  else
    row["problem"] = toString(status.takeError());
  row["pid"] = process.pid;
  return row;
}

std::string line_of(const json &row) {
  if (row.contains("problem"))
    return fmt::format("{:>8}  {:<16} {}\n", row["pid"].get<pid_t>(), printable(row.value("program", "?")),
                       printable(row["problem"].get<std::string>()));
  const json versions = row.value("versions", json::object());
  return fmt::format("{:>8}  {:<16} {:<12} {:>7}  {:>8} {:>9} {:>10}\n", row["pid"].get<pid_t>(),
                     printable(row.value("program", "?")), print_duration(row.value("up_seconds", 0u)),
                     row.value("threads", 0u), versions.value("baseline", 0u), versions.value("optimized", 0u),
                     row.value("code_bytes", std::uint64_t(0)));
}

int ps(bool as_json) {
  json rows = json::array();
  for (const ControlledProcess &process : find_controlled_processes())
    if (auto row = look_at(process))
      rows.push_back(std::move(*row));
  if (as_json)
    return print(rows.dump() + '\n');
  std::string text = fmt::format("{:>8}  {:<16} {:<12} {:>7}  {:>8} {:>9} {:>10}\n", "PID", "PROGRAM", "UP", "THREADS",
                                 "BASELINE", "OPTIMIZED", "CODE BYTES");
  for (const json &row : rows)
    try {
      text += line_of(row);
    } catch (const json::exception &) { // whoever answers there is no osrctl
      text += fmt::format("{:>8}  ? its answers make no sense\n", row["pid"].get<pid_t>());
    }
  show_text(text); // main notices when that cannot be written
  return 0;
}

} // namespace

void add_ps(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("ps", "List the programs that 'osrctl attach' can attach to");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print an array of objects");
  command->footer("Example:\n  osrctl ps");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return ps(*as_json); }; });
}

} // namespace osr
