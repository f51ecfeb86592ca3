// New bodies for functions that run: how their activations go on, and what became of them.
#pragma once

#include "osr/replace.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// One value of the new frame state: a value of the old one, or a constant of at most 8 bytes.
struct ValueMapping {
  std::optional<std::uint32_t> from; ///< index in the old site's state
  std::uint64_t constant = 0;        ///< without `from`
  std::int64_t addend = 0; ///< comes on top: of whole numbers of at most 8 bytes, and of pointers
};

/// An activation that stands at `from_site` of the old body goes on behind `to_site` of the new one; the result of the
/// call that it is in becomes the result of the new site's call. `osrctl sites` shows both sides.
struct SiteMapping {
  std::uint32_t from_site = 0;
  std::uint32_t to_site = 0;
  std::vector<ValueMapping> values; ///< one for each value of the new site's state, in its order
};
using SiteMap = std::vector<SiteMapping>;

/// What a caller of Runtime::redefine may choose.
struct RedefineOptions {
  /// Activations of the old body that stand at these sites go on in the new one; all others end in the old one.
  SiteMap site_map;
  /// The new body has the sites of the old one, with the same values in the same order: all activations go on in it.
  /// That is so for two bodies made of the same IR by redefine(). `site_map` is not used then.
  bool same_sites = false;
  /// If both bodies have the same shape (compiler/sites/same_shape.h), that is so as well; else `site_map` counts.
  bool same_sites_if_same_shape = false;
  /// If the shapes differ and both bodies have debug information as the front end wrote it: activations go on where an automatic
  /// site map says how (docs/architecture/site-maps.md).
  bool find_site_map = false;
  bool keep_old_body = false; ///< Runtime::revert can go back to it
  Tier to = Tier::Optimized; ///< of the new body, for activations that go on in it
};

/// What the automatic site map says of one site of the old body.
struct SiteReport {
  std::string function;
  std::uint32_t from = 0;
  std::optional<std::uint32_t> to; ///< nothing: activations there end in the old body
  std::string reason; ///< why
};

/// What became of it.
struct RedefineOutcome {
  ReplaceOutcome dependents; ///< activations of code that rested on the old body: they go on in baseline code
  ReplaceOutcome old_body; ///< activations of the old body that the site map is for
  bool had_same_sites = false; ///< the bodies were found to have the same shape
  std::vector<SiteReport> sites; ///< by the automatic site map; empty: there is none
  std::uint64_t invalidated = 0; ///< versions that rested on the old body and are out of use now
};

} // namespace osr
