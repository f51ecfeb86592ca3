#include "osrctl/attach_prompt.h"

#include "compiler/base/error.h"
#include "osrctl/attach_text.h"
#include "osrctl/attach_words.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/pager.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/LineEditor/LineEditor.h>

#include <csignal>
#include <iostream>
#include <unistd.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

volatile std::sig_atomic_t is_interrupted = 0;

/// While a command is under way the interrupt key cancels it; else it does what it always does.
class Interruptible {
public:
  explicit Interruptible(ControlConnection &connection) {
    is_interrupted = 0;
    connection.cancel_when(&is_interrupted);
    struct sigaction action{};
    action.sa_handler = [](int) { is_interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_); // without SA_RESTART: who waits for an answer notices
  }
  ~Interruptible() { ::sigaction(SIGINT, &before_, nullptr); }

private:
  struct sigaction before_{};
};

void add_words(const json &list, const char *key, std::vector<std::string> &words) {
  for (const json &object : list)
    if (auto word = object.find(key); word != object.end())
      words.push_back(word->is_string() ? printable(word->get<std::string>()) : word->dump());
}

/// What may stand as the first word, as an option, or where a function or a thread is meant.
std::vector<std::string> words_for(ControlConnection &connection, const std::vector<std::string> &before,
                                   StringRef begun) {
  std::vector<std::string> words;
  if (before.empty()) {
    for (const AttachCommand &command : attach_commands())
      words.push_back(command.name);
    append_range(words, std::initializer_list<const char *>{"help", "quit"});
    return words;
  }
  const AttachCommand *command = find_command(before.front());
  if (!command)
    return words;
  const Method &method = method_of(*command);
  if (begun.starts_with("-"))
    for (const Parameter &parameter : method.parameters)
      words.push_back(std::string("--") + parameter.name);
  for (const Parameter &parameter : method.parameters) {
    SmallVector<StringRef, 4> choices;
    StringRef(parameter.choices ? parameter.choices : "").split(choices, '|', -1, /*KeepEmpty=*/false);
    if (before.back() == std::string("--") + parameter.name || StringRef(parameter.name) == "tier")
      append_range(words, map_range(choices, [](StringRef choice) { return choice.str(); }));
  }
  if (before.size() != 1 || command->words.empty())
    return words;
  const bool wants_thread = StringRef(command->words.front()) == "thread";
  if (wants_thread)
    words.push_back("all");
  const json asked = wants_thread ? json::object() : json{{"pattern", begun.str()}};
  auto answer = connection.ask(wants_thread ? "threads" : "functions", asked);
  if (!answer)
    consumeError(answer.takeError());
  else if (wants_thread)
    add_words(answer->value("threads", json::array()), "thread", words);
  else
    add_words(answer->value("functions", json::array()), "function", words);
  return words;
}

std::vector<LineEditor::Completion> complete(ControlConnection &connection, StringRef line, std::size_t position) {
  const StringRef typed = line.take_front(position);
  const StringRef begun = typed.drop_front(typed.rfind(' ') + 1); // npos + 1 is 0
  std::vector<LineEditor::Completion> found;
  for (const std::string &word : words_for(connection, split_words(typed.drop_back(begun.size())), begun))
    if (StringRef rest = word; rest.consume_front(begun))
      found.emplace_back(rest.str() + " ", word);
  return found;
}

/// The status to end with; nothing: the next line.
std::optional<int> take_line(ControlConnection &connection, AttachOutput output, StringRef line, int &status) {
  const std::vector<std::string> words = split_words(line);
  if (words.empty())
    return std::nullopt;
  if (words.front() == "quit" || words.front() == "exit")
    return 0;
  if (words.front() == "help") {
    show_text(help_text());
    status = 0;
    return std::nullopt;
  }
  const AttachCommand *command = find_command(words.front());
  if (!command) {
    status = report_usage(make_error("'{}' is no command; 'help' lists them", words.front()));
    return std::nullopt;
  }
  Interruptible interruptible(connection);
  Error error = carry_out(connection, *command, ArrayRef(words).drop_front(), output);
  status = error ? report(std::move(error)) : 0;
  return connection.is_open() ? std::nullopt : std::optional(exit_failure);
}

} // namespace

int attach_prompt(ControlConnection &connection, AttachOutput output) {
  int status = 0;
  if (!::isatty(STDIN_FILENO)) {
    for (std::string line; std::getline(std::cin, line);)
      if (auto end = take_line(connection, output, line, status))
        return *end;
    return status;
  }
  LineEditor editor("osrctl");
  editor.setPrompt(fmt::format("osrctl {}> ", connection.pid()));
  editor.setListCompleter(
      [&connection](StringRef line, std::size_t position) { return complete(connection, line, position); });
  while (std::optional<std::string> line = editor.readLine()) {
    auto end = take_line(connection, output, *line, status);
    editor.saveHistory();
    if (end)
      return *end;
  }
  return status;
}

} // namespace osr
