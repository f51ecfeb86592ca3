// Completions of shells. Words come from the table; the number of a process from `osrctl ps`, when somebody completes one.
#include "osrctl/command_table.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

std::string names_of(ArrayRef<CommandText> commands) {
  return join(map_range(commands, [](const CommandText &command) { return command.name; }), " ");
}

std::string option_names(const CommandText &command) {
  std::string names;
  for (const OptionText &option : command.options)
    for (const std::string &name : option.names)
      names += (names.empty() ? "" : " ") + name;
  return names;
}

/// Calls `visit(key, option)` for each option that takes a value, with a key for each of its names.
template <typename Visit> void for_each_value(const CommandTable &table, Visit visit) {
  for (const CommandText &verb : table.verbs)
    for (const OptionText &option : verb.options)
      if (!option.value.empty())
        for (const std::string &name : option.names)
          visit(verb.name + ":" + name, option);
  for (const CommandText &command : table.attach)
    for (const OptionText &option : command.options)
      if (!option.choices.empty())
        visit("attach " + command.name + ":" + option.names.front(), option);
}

/// The words that a verb's first positional may be; empty: any.
std::string positional_words(const CommandText &verb) {
  return verb.positionals.empty() ? "" : join(verb.positionals.front().choices, " ");
}

/// In single quotes, for all three shells.
std::string in_quotes(StringRef text) {
  std::string result = "'";
  for (const char letter : text)
    result += letter == '\'' ? "'\\''" : std::string(1, letter);
  return result + "'";
}

std::string brackets_escaped(StringRef text) { // of zsh's _arguments and _describe
  std::string result;
  for (const char letter : text) {
    if (letter == '[' || letter == ']' || letter == ':' || letter == '\\')
      result += '\\';
    result += letter;
  }
  return result;
}

std::string first_line(StringRef text) { return text.split('\n').first.str(); }

constexpr const char *bash_begin = R"(# Completion of osrctl for bash.
_osrctl() {
  local word=$2 previous=$3 verb= target= command= at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case $verb:${COMP_WORDS[at]} in
      *:--) compopt -o default; return ;; # what follows is the program's
      attach:--timeout) at=$((at + 1)) ;; # and its value
      *:-*) ;;
      *) if [ -z "$verb" ]; then verb=${COMP_WORDS[at]}
         elif [ -z "$target" ]; then target=${COMP_WORDS[at]}
         elif [ -z "$command" ]; then command=${COMP_WORDS[at]}
         fi ;;
    esac
  done
  [ "$verb" = attach ] && [ -n "$command" ] && verb="attach $command"
)";

constexpr const char *bash_end = R"(  if [[ $word != -* ]]; then
    case $verb in
      attach)
        if [ -z "$target" ]; then words=$(osrctl ps 2>/dev/null | awk 'NR > 1 { print $1 }')
        else words=$commands
        fi ;;
      '') ;;
      *) if [ -z "$choices" ]; then compopt -o default; return; fi
         words=$choices ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _osrctl osrctl
)";

} // namespace

std::string bash_completion(const CommandTable &table) {
  std::string script = bash_begin;
  script += "  case $verb:$previous in\n";
  for_each_value(table, [&](const std::string &key, const OptionText &option) {
    script += fmt::format("    {})", in_quotes(key));
    script += option.choices.empty() ? " compopt -o default; return ;;\n"
                                     : fmt::format(" COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); return ;;\n",
                                                   join(option.choices, " "));
  });
  script += "  esac\n  local words choices= commands=" + in_quotes(names_of(table.attach)) + "\n  case $verb in\n";
  script += fmt::format("    '') words={} ;;\n", in_quotes(names_of(table.verbs) + " " + option_names(table.program)));
  for (const CommandText &verb : table.verbs)
    script += fmt::format("    {}) words={} choices={} ;;\n", verb.name, in_quotes(option_names(verb)),
                          in_quotes(positional_words(verb)));
  for (const CommandText &command : table.attach)
    if (!command.options.empty())
      script +=
          fmt::format("    {}) words={} ;;\n", in_quotes("attach " + command.name), in_quotes(option_names(command)));
  return script + "  esac\n" + bash_end;
}

std::string zsh_completion(const CommandTable &table) {
  const auto described = [](ArrayRef<CommandText> commands) {
    std::string lines;
    for (const CommandText &command : commands)
      lines += "    " + in_quotes(command.name + ":" + brackets_escaped(first_line(command.what))) + "\n";
    return lines;
  };
  std::string script = "#compdef osrctl\n# Completion of osrctl for zsh.\n_osrctl() {\n  local -a verbs=(\n" +
                       described(table.verbs) + "  ) commands=(\n" + described(table.attach) +
                       "  )\n  if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
                       "  shift words; (( CURRENT-- ))\n" // from here on the verb stands where a program's name does
                       "  case $words[1] in\n";
  for (const CommandText &verb : table.verbs) {
    script += fmt::format("    {})\n      _arguments", verb.name);
    for (const OptionText &option : verb.options)
      for (const std::string &name : option.names) {
        std::string spec = name + "[" + brackets_escaped(first_line(option.what)) + "]";
        if (!option.value.empty())
          spec += ":value:" + (option.choices.empty() ? std::string("_files") : "(" + join(option.choices, " ") + ")");
        script += " \\\n        " + in_quotes(spec);
      }
    if (verb.name == "attach")
      script += " \\\n        '1:process:($(osrctl ps 2>/dev/null | awk '\\''NR > 1 { print $1 }'\\''))'"
                " \\\n        '2:command:{ _describe command commands }' \\\n        '*:word:_files'";
    else if (const std::string words = positional_words(verb); !words.empty())
      script += " \\\n        '1:word:(" + words + ")'";
    else
      script += " \\\n        '*:file:_files'";
    script += " ;;\n";
  }
  return script + "  esac\n}\n_osrctl \"$@\"\n";
}

std::string fish_completion(const CommandTable &table) {
  std::string script = "# Completion of osrctl for fish.\n";
  const auto add = [&](const std::string &when, const std::string &how, StringRef what) {
    script += fmt::format("complete -c osrctl {} {} -d {}\n", when, how, in_quotes(first_line(what)));
  };
  for (const CommandText &verb : table.verbs)
    add("-n __fish_use_subcommand", "-f -a " + verb.name, verb.what);
  for (const CommandText &verb : table.verbs)
    for (const OptionText &option : verb.options)
      for (const std::string &name : option.names) {
        std::string how = StringRef(name).starts_with("--") ? "-l " + name.substr(2) : "-s " + name.substr(1);
        if (!option.value.empty())
          how += option.choices.empty() ? " -r" : " -x -a " + in_quotes(join(option.choices, " "));
        add("-n " + in_quotes("__fish_seen_subcommand_from " + verb.name), how, option.what);
      }
  for (const CommandText &verb : table.verbs)
    if (const std::string words = positional_words(verb); !words.empty())
      add("-n " + in_quotes("__fish_seen_subcommand_from " + verb.name), "-f -a " + in_quotes(words), "");
  const std::string attach = "-n '__fish_seen_subcommand_from attach";
  script += fmt::format("complete -c osrctl {}; and test (count (commandline -opc)) -eq 2' -f -a "
                        "\"(osrctl ps 2>/dev/null | awk 'NR > 1 {{ print \\$1 }}')\"\n",
                        attach);
  for (const CommandText &command : table.attach)
    add(attach + "; and test (count (commandline -opc)) -eq 3'", "-f -a " + command.name, command.what);
  return script;
}

} // namespace osr
