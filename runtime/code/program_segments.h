// The variables of programs as the process sees them: whoever asks dl_iterate_phdr finds them, as natively.
//
// Conservative collectors take their roots from there, profilers and sanitizers the ranges of static data. For each
// program one object more is reported, right behind the executable: a writable segment of its variables and a read-only one of its
// constants. It ends at the highest address that was ever used, so whoever scans it touches little more than what is there.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/code/slab_arena.h"

#include <link.h>

#include <array>
#include <vector>

namespace osr {

class ProgramSegments {
public:
  static constexpr const char *name = "osr-program"; ///< dlpi_name

  /// The arena must outlive it.
  explicit ProgramSegments(const SlabArena &arena);
  ~ProgramSegments();
  ProgramSegments(const ProgramSegments &) = delete;
  ProgramSegments &operator=(const ProgramSegments &) = delete;

  /// From now on dl_iterate_phdr reports them.
  void install();

  /// What is reported behind `executable`. Takes no lock: a collector asks while it has stopped all other threads.
  dl_phdr_info describe(const dl_phdr_info &executable);

private:
  static constexpr std::array<SlabKind, 2> kinds = {SlabKind::Data, SlabKind::ReadOnly};

  const SlabArena &arena_;
  std::array<ElfW(Phdr), kinds.size()> headers_{}; ///< those who ask may keep pointers to them
};

/// The C library's dl_iterate_phdr, with the program's segments if there are any.
int iterate_program_headers(int (*callback)(dl_phdr_info *, std::size_t, void *), void *data);

/// The names that the program finds instead of the C library's.
std::vector<AbsoluteSymbol> program_segment_symbols();

} // namespace osr
