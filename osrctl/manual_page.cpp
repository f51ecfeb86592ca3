// roff as man(7) describes it: a line that begins with a dot is a request, a backslash begins an escape.
#include "osrctl/command_table.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

/// Text that roff shows as it is.
std::string shown(StringRef text) {
  std::string roff;
  bool is_line_begin = true;
  for (const char letter : text) {
    if (is_line_begin && (letter == '.' || letter == '\''))
      roff += "\\&";
    if (letter == '\\')
      roff += "\\e";
    else if (letter == '-')
      roff += "\\-"; // else it becomes a hyphen, which nobody can copy into a shell
    else
      roff += letter;
    is_line_begin = letter == '\n';
  }
  return roff;
}

std::string bold(StringRef text) { return "\\fB" + shown(text) + "\\fR"; }
std::string italic(StringRef text) { return "\\fI" + shown(text) + "\\fR"; }

std::string tagged(const std::string &tag, StringRef what) {
  return fmt::format(".TP\n{}\n{}\n", tag, what.empty() ? "\\&" : shown(what));
}

std::string options_of(const CommandText &command) {
  std::string roff;
  for (const OptionText &option : command.options) {
    std::vector<std::string> names;
    names.reserve(option.names.size());
    for (const std::string &name : option.names)
      names.push_back(bold(name));
    roff += tagged(join(names, ", ") + (option.value.empty() ? "" : " " + italic(option.value)), option.what);
  }
  return roff;
}

/// Lines stay lines, for the examples' sake.
std::string notes_of(const CommandText &command) {
  return command.notes.empty() ? "" : fmt::format(".PP\n.nf\n{}\n.fi\n", shown(StringRef(command.notes).rtrim('\n')));
}

std::string verb_of(const CommandText &verb) {
  std::string roff = fmt::format(".SS {}\n{}\n", bold("osrctl " + verb.usage), shown(verb.what) + ".");
  for (const OptionText &positional : verb.positionals)
    roff += tagged(italic(StringRef(positional.names.front()).upper()), positional.what);
  roff += options_of(verb);
  if (verb.name != "attach") // whose notes list the commands, which have a section of their own
    roff += notes_of(verb);
  return roff;
}

} // namespace

std::string manual_page(const CommandTable &table, const std::string &version) {
  std::string roff = fmt::format(".TH OSRCTL 1 \"\" \"{}\" \"User Commands\"\n", version);
  roff += fmt::format(".SH NAME\nosrctl \\- {}\n", shown(StringRef(table.program.what).rtrim('.')));
  roff += fmt::format(".SH SYNOPSIS\n{} {} [{}...]\n", bold("osrctl"), italic("VERB"), italic("OPTION"));
  roff += ".SH OPTIONS\n" + options_of(table.program);
  roff += ".SH VERBS\n";
  for (const CommandText &verb : table.verbs)
    roff += verb_of(verb);
  roff += ".SH COMMANDS OF OSRCTL ATTACH\nFunctions, threads and versions are named as the answers of these commands "
          "name them.\n";
  for (const CommandText &command : table.attach)
    roff += tagged(bold(command.usage), command.what);
  roff += ".SH EXIT STATUS AND HELP\n" + notes_of(table.program);
  return roff;
}

} // namespace osr
