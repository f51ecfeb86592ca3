#include "osrctl/command_table.h"

#include "osrctl/attach_words.h"
#include "osrctl/commands.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

std::vector<std::string> words_in(StringRef text, char separator) {
  const auto words = split(text, separator);
  return {words.begin(), words.end()};
}

/// CLI11 names a value "TEXT:{auto,baseline}".
std::vector<std::string> choices_in(StringRef type) {
  const std::size_t begin = type.find('{'), end = type.find('}');
  return begin == StringRef::npos || end == StringRef::npos ? std::vector<std::string>()
                                                            : words_in(type.slice(begin + 1, end), ',');
}

OptionText describe(const CLI::Option &option) {
  OptionText text;
  for (const std::string &name : option.get_snames())
    text.names.push_back("-" + name);
  for (const std::string &name : option.get_lnames())
    text.names.push_back("--" + name);
  if (text.names.empty())
    text.names.push_back(option.get_name());
  const std::string type = option.get_type_name();
  text.choices = option.get_items_expected_max() == 0 ? std::vector<std::string>() : choices_in(type);
  if (option.get_items_expected_max() != 0)
    text.value = text.choices.empty() ? StringRef(type).split(':').first.str() : join(text.choices, "|");
  text.what = option.get_description();
  if (const std::string usual = option.get_default_str(); !usual.empty())
    text.what += fmt::format(" (default: {})", usual);
  return text;
}

CommandText describe(const CLI::App &app, std::string usage) {
  CommandText text;
  text.name = app.get_name();
  text.what = app.get_description();
  text.notes = app.get_footer();
  for (const CLI::Option *option : app.get_options())
    if (!option->get_group().empty()) // else it is hidden: for tests of this project
      (option->nonpositional() ? text.options : text.positionals).push_back(describe(*option));
  text.usage = std::move(usage);
  return text;
}

std::string usage_of(const CLI::App &verb) {
  std::string usage = verb.get_name() + " [OPTION...]";
  for (const CLI::Option *option : verb.get_options())
    if (!option->nonpositional())
      usage += fmt::format(" {}{}", StringRef(option->get_name()).upper(),
                           option->get_items_expected_max() > 1 ? "..." : "");
  return usage;
}

CommandText describe(const AttachCommand &command) {
  CommandText text;
  text.name = command.name;
  text.usage = usage_of(command);
  text.what = command.what;
  for (const Parameter &parameter : parameters_of_options(command))
    text.options.push_back({{option_name(parameter)},
                            parameter.kind == ParameterKind::Flag ? "" : StringRef(parameter.name).upper(),
                            parameter.choices ? words_in(parameter.choices, '|') : std::vector<std::string>(),
                            ""});
  return text;
}

} // namespace

CommandTable describe_commands(const CLI::App &app) {
  CommandTable table;
  table.program = describe(app, "VERB");
  for (const CLI::App *verb : app.get_subcommands([](const CLI::App *) { return true; })) {
    table.verbs.push_back(describe(*verb, usage_of(*verb)));
    if (runs_program(verb->get_name()))
      table.verbs.back().usage += " [-- ARGUMENT...]";
    if (verb->get_name() == "attach")
      table.verbs.back().usage += " [COMMAND [WORD...]]";
  }
  for (const AttachCommand &command : attach_commands())
    table.attach.push_back(describe(command));
  return table;
}

} // namespace osr
