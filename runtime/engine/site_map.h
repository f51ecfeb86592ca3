// Site maps: how activations of a body that was redefined go on in the new one.
#pragma once

#include "compiler/base/site.h"
#include "osr/redefine.h"
#include "runtime/stackmap/record.h"

#include <llvm/Support/Error.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Each site is followed by itself.
SiteMap identity_map(const std::vector<Site> &sites);

/// The error names the site and value that do not fit: missing or refused sites, values of other sizes, another result.
llvm::Error check_site_map(const SiteMap &map, const std::vector<Site> &from, const std::vector<Site> &to);

/// All site maps of a program.
class SiteMaps {
public:
  /// The map must have been checked. What led to a site of `from` leads further, to where the map sends that site.
  void add(FunctionId from, const std::vector<Site> &to, const SiteMap &map);
  /// Why activations of `from` at these sites go on nowhere else, for people.
  void refuse(FunctionId from, const std::map<std::uint32_t, std::string> &reasons);
  /// "": nothing was said.
  std::string why_refused(const SiteRecord &record) const;
  /// Forgets what leads out of `from`.
  void remove(FunctionId from);
  /// The body, whose sites these are, is current again: its activations go nowhere else any more. True: some were sent elsewhere, and those that
  /// have not gone yet are led back to where they are.
  bool keep_in(FunctionId body, const std::vector<Site> &sites);
  /// Where activations at this site go on; nothing: where they are.
  std::optional<SiteId> leads_to(SiteId site) const;
  /// Whether another body's activations go on in this one.
  bool lead_to(FunctionId body) const;

  /// Whether the body of some frame of the record was redefined and the map says how it goes on.
  bool covers(const SiteRecord &record) const;
  /// The record as if its frames were activations of the bodies that the maps lead to.
  SiteRecord apply(SiteRecord record) const;

private:
  struct Target {
    SiteId site;
    std::vector<ValueMapping> values;
    std::vector<std::uint32_t> sizes; ///< of the values, in bytes
  };
  static Target target_of(const Site &site, std::vector<ValueMapping> values);
  static Target compose(const Target &first, const Target &second);
  static FrameRecord map_frame(const FrameRecord &frame, const Target &target);

  std::map<SiteId, Target> targets_;
  std::map<SiteId, std::string> refused_;
};

} // namespace osr
