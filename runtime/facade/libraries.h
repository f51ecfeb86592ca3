// Libraries are a matter of names: what is `f` in a library L is `f$in.L` in the program, and each reference is given the name of what
// it means when its module is added.
#pragma once

#include "runtime/engine/engine.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/IR/Module.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace osr {

class Libraries {
public:
  static constexpr std::size_t main = 0;

  llvm::Expected<std::size_t> create(llvm::StringRef name) OSR_REQUIRES(engine_lock);
  void link(std::size_t library, std::size_t other) OSR_REQUIRES(engine_lock) { all_[library].order.push_back(other); }

  /// What becomes of names when a module is added.
  struct Names {
    std::size_t library = main;
    std::vector<std::string> defined, unknown; ///< as the module has them
  };
  /// Gives names of a module that is about to be added their final form. Nothing else changes.
  llvm::Expected<Names> bind(llvm::Module &module, std::size_t library, Engine &engine) OSR_REQUIRES(engine_lock);
  /// It was added: whoever waited for what it defines has it.
  void note_added(const Names &names, Engine &engine) OSR_REQUIRES(engine_lock);
  /// The host has defined it.
  void note_defined(llvm::StringRef name, Engine &engine) OSR_REQUIRES(engine_lock);

  /// The name in the program of what the library finds by `name`, or of what it would define itself.
  std::string find(llvm::StringRef name, std::size_t library, Engine &engine) const OSR_REQUIRES(engine_lock);
  static std::string full_name(llvm::StringRef name, llvm::StringRef library);

private:
  struct One {
    std::string name;
    std::vector<std::size_t> order;
  };

  std::string full_name(llvm::StringRef name, std::size_t library) const OSR_REQUIRES(engine_lock) {
    return full_name(name, all_[library].name);
  }
  /// Empty: nobody knows it.
  std::string known_name(llvm::StringRef name, std::size_t library, Engine &engine) const OSR_REQUIRES(engine_lock);
  bool sees(std::size_t library, std::size_t other) const OSR_REQUIRES(engine_lock);
  void meet(llvm::StringRef name, std::size_t definer, Engine &engine) OSR_REQUIRES(engine_lock);

  std::vector<One> all_ OSR_GUARDED_BY(engine_lock) = {{"", {}}};
  std::map<std::string, std::set<std::size_t>>
      waiting_ OSR_GUARDED_BY(engine_lock); ///< libraries whose modules refer to it
};

} // namespace osr
