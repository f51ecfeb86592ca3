// Words that mean something: what is accepted and what it means stand in one table.
#pragma once

#include "compiler/base/check.h"

#include <llvm/ADT/StringRef.h>

#include <cstddef>

namespace osr {

template <typename Meaning> struct Choice {
  const char *word;
  Meaning meaning;
};

/// Null: the word is not in the table.
template <typename Meaning, std::size_t count>
const Meaning *find_meaning(llvm::StringRef word, const Choice<Meaning> (&choices)[count]) {
  for (const Choice<Meaning> &choice : choices)
    if (word == choice.word)
      return &choice.meaning;
  return nullptr;
}

/// Of a word that was accepted before.
template <typename Meaning, std::size_t count>
const Meaning &meaning_of(llvm::StringRef word, const Choice<Meaning> (&choices)[count]) {
  const Meaning *meaning = find_meaning(word, choices);
  OSR_CHECK(meaning, "'{}' was accepted, and means nothing", word.str());
  return *meaning;
}

} // namespace osr
