// osrctl attach: looks at a running program, and changes which code it runs.
#include "compiler/base/error.h"
#include "osrctl/attach_prompt.h"
#include "osrctl/attach_words.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"

#include <llvm/ADT/STLExtras.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

struct AttachOptions {
  std::string target;
  double timeout = 60;
  bool as_json = false;
  std::vector<std::string> words;
};

/// By its program's name, with or without what stands behind the dot.
Expected<ControlledProcess> find_by_name(const std::string &name) {
  std::vector<ControlledProcess> found;
  std::string numbers;
  for (const ControlledProcess &process : find_controlled_processes()) {
    auto connection = ControlConnection::open(process, ControlConnection::Seconds(2));
    if (!connection) {
      consumeError(connection.takeError());
      continue;
    }
    const std::string program = connection->greeting().value("program", "");
    if (program != name && StringRef(program).rsplit('.').first != name)
      continue;
    found.push_back(process);
    numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", process.pid);
  }
  if (found.empty())
    return make_error("no program '{}' with a control socket is running; 'osrctl ps' lists those that are", name);
  if (found.size() > 1)
    return make_error("'{}' is the name of several processes: choose one of {}", name, numbers);
  return found.front();
}

Expected<ControlledProcess> find_target(const std::string &target) {
  pid_t pid = 0;
  return StringRef(target).getAsInteger(10, pid) ? find_by_name(target) : find_controlled_process(pid);
}

int attach(AttachOptions options) {
  erase(options.words, "--json");
  const AttachCommand *command = options.words.empty() ? nullptr : find_command(options.words.front());
  const ArrayRef<std::string> words = ArrayRef(options.words).drop_front(command ? 1 : 0);
  if (!command && !options.words.empty())
    return report_usage(make_error("'{}' is no command:\n{}", options.words.front(), help_text()));
  if (command)
    if (auto parameters = parameters_of(*command, words); !parameters)
      return report_usage(parameters.takeError());
  auto target = find_target(options.target);
  if (!target)
    return report(target.takeError());
  auto connection = ControlConnection::open(*target, ControlConnection::Seconds(options.timeout));
  if (!connection)
    return report(connection.takeError());
  const AttachOutput output = options.as_json ? AttachOutput::Json : AttachOutput::Text;
  if (!command)
    return attach_prompt(*connection, output);
  if (Error error = carry_out(*connection, *command, words, output))
    return report(std::move(error));
  return 0;
}

} // namespace

void add_attach(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("attach", "Look at a running program, and change which code it runs");
  auto options = std::make_shared<AttachOptions>();
  command->add_option("target", options->target, "Number of the process, or name of its program")->required();
  command->add_option("--timeout", options->timeout, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  command->add_flag("--json", options->as_json, "Print the answer as it comes, an object");
  command->allow_extras();
  command->footer("Without a command: a prompt, with completion by the tabulator key. Commands:\n" + help_text() +
                  "Example:\n  osrctl attach 1234 replace main --to optimized");
  command->callback([=, &chosen] {
    options->words = command->remaining();
    options->as_json |= is_contained(options->words, "--json");
    chosen = [=](const std::vector<std::string> &) { return attach(*options); };
  });
}

} // namespace osr
