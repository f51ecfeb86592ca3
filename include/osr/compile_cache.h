// What LLVM has made of code, kept so that it is not made again: by the same process, when it compiles what it has compiled before,
// and by later ones, which then begin in a fraction of the time.
//
//     O2               a module            ──►  the optimised module
//     code generation  a lowered module    ──►  an object, and what the machine passes found out about it
//
// Each result depends on nothing but what went in, so it is kept under a hash of just that, and never becomes wrong: another body,
// another guess, another processor or option is another key. All else is done each time: sites, records, certificates, linking.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace osr {

/// Where results are kept: RuntimeOptions::compile_cache. A host may keep them in a place of its own; MemoryCompileCache is there
/// already. Called by threads that compile, several at a time, with locks of the runtime held: it may not use a runtime, and no
/// exception may leave it.
class CompileCache {
public:
  using Key = std::array<std::uint8_t, 32>; ///< BLAKE3, https://github.com/BLAKE3-team/BLAKE3-specs

  virtual ~CompileCache() = default;
  /// What was put under `key`, byte for byte, since it becomes code that is executed; or null.
  virtual std::unique_ptr<llvm::MemoryBuffer> find(const Key &key) = 0;
  /// May forget it at any time.
  virtual void put(const Key &key, llvm::StringRef bytes) = 0;
};

/// Keeps results in memory, and in a file between runs. Thread-safe. In the child of a fork it has what it had before, and goes on by
/// itself. Example:
///
///     auto cache = std::make_shared<osr::MemoryCompileCache>();
///     if (llvm::Error error = cache->load("program.cache"))
///       llvm::logAllUnhandledErrors(std::move(error), llvm::errs()); // begins empty
///     auto runtime = osr::Runtime::create(std::move(module), {.compile_cache = cache});
///     ...
///     llvm::Error error = cache->save("program.cache");
class MemoryCompileCache final : public CompileCache {
public:
  static constexpr std::size_t usual_bytes = std::size_t(64) << 20;

  /// When it holds more than `most_bytes`, what was not used for longest is forgotten.
  explicit MemoryCompileCache(std::size_t most_bytes = usual_bytes);
  ~MemoryCompileCache() override;

  std::unique_ptr<llvm::MemoryBuffer> find(const Key &key) override;
  void put(const Key &key, llvm::StringRef bytes) override;

  /// Adds what save() wrote. Nothing is added, and it is no error, if there is no such file, or if it was written by another build of
  /// the library or of LLVM. Errors: the file is damaged; it belongs to another user, or others may write it, and what is in
  /// it would be executed; it is a link, no file, or no compile cache.
  llvm::Error load(const std::string &path);
  /// Writes all of it, if anything was put since the file was loaded or saved. The file is replaced at once: whoever reads it at the same
  /// time reads the old one or the new one. Errors: there is something that is no compile cache of this user's, and stays as it is; it cannot be written; this
  /// process cannot say which build it is of.
  llvm::Error save(const std::string &path);

  struct Counts {
    std::uint64_t found = 0, missing = 0; ///< look-ups
    std::size_t entries = 0, bytes = 0; ///< what it holds now
  };
  Counts counts() const;

private:
  struct Entries;
  std::unique_ptr<Entries> entries_;
};

} // namespace osr
