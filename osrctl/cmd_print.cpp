// osrctl print: what is installed next to osrctl, made of its own command line.
#include "osr/version.h"
#include "osrctl/choices.h"
#include "osrctl/command_table.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"

namespace osr {
namespace {

using Text = std::string(const CommandTable &table);

std::string manual_of_this_version(const CommandTable &table) { return manual_page(table, "osrctl " OSR_VERSION); }

constexpr Choice<Text *> texts[] = {{"manual", manual_of_this_version},
                                    {"bash-completion", bash_completion},
                                    {"zsh-completion", zsh_completion},
                                    {"fish-completion", fish_completion}};

} // namespace

void add_print(CLI::App &app, Action &chosen) {
  auto *command =
      app.add_subcommand("print", "Print the manual page, or what makes a shell complete the words of osrctl");
  auto what = std::make_shared<std::string>();
  command->add_option("what", *what, "manual (in roff), bash-completion, zsh-completion or fish-completion")
      ->required()
      ->check(one_of(texts));
  command->footer("Example:\n  osrctl print manual | man -l -\n  eval \"$(osrctl print bash-completion)\"");
  command->callback([=, &app, &chosen] {
    chosen = [what, table = describe_commands(app)](const std::vector<std::string> &) {
      return print(meaning_of(*what, texts)(table));
    };
  });
}

} // namespace osr
