// Options that take one word of a table.
#pragma once

#include "compiler/base/choice.h"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// What such an option has to be, before meaning_of() is asked.
template <typename Meaning, std::size_t count> CLI::IsMember one_of(const Choice<Meaning> (&choices)[count]) {
  std::vector<std::string> words;
  for (const Choice<Meaning> &choice : choices)
    words.emplace_back(choice.word);
  return CLI::IsMember(std::move(words));
}

} // namespace osr
