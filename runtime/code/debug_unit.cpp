#include "runtime/code/debug_unit.h"

#include "runtime/code/debug_lines.h"
#include "runtime/code/debug_types.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/BinaryFormat/Dwarf.h>

#include <algorithm>
#include <map>

using namespace llvm;

namespace osr {
namespace {

class DebugUnitWriter {
public:
  explicit DebugUnitWriter(const DebugCode &code)
      : code_(code), sites_(*code.sites), types_(entries_, code.sites->types),
        lines_(code.lines ? DebugLines(*code.lines) : DebugLines()) {
    for (const DebugSite &site : sites_.sites)
      sorted_.push_back(&site);
    std::ranges::sort(sorted_, {}, &DebugSite::return_pc);
  }

  DebugSections write() {
    if (!code_.lines && !sorted_.empty())
      add_line_of(*sorted_.front());
    describe_unit();
    for (const DebugSymbol &symbol : code_.symbols) {
      const auto inside = make_filter_range(sorted_, [&](const DebugSite *site) {
        return symbol.address < site->return_pc && site->return_pc <= symbol.address + symbol.size;
      });
      if (!inside.empty())
        describe_function(symbol, SmallVector<const DebugSite *, 16>(inside.begin(), inside.end()));
    }
    for (const DebugGlobal &global : sites_.globals)
      describe_global(global);
    types_.finish();
    DebugEntries::Bytes bytes = entries_.write();
    return {std::move(bytes.info), std::move(bytes.abbreviations), std::move(bytes.strings), locations_.take(),
            lines_.empty() ? DwarfBytes() : lines_.write()};
  }

private:
  /// A stub has the line of the site that it stands for.
  void add_line_of(const DebugSite &site) {
    const DebugFrame &frame = site.frames.front();
    if (frame.file.empty())
      return;
    lines_.add({code_.begin, lines_.file(frame.file), frame.line});
    lines_.add({.address = code_.begin + code_.size, .is_end = true});
  }

  void describe_unit() {
    DIE &unit = entries_.unit();
    entries_.set(unit, dwarf::DW_AT_language, dwarf::DW_FORM_data2, sites_.language);
    if (!sorted_.empty())
      entries_.set_name(unit, dwarf::DW_AT_name, sorted_.front()->frames.back().file);
    else
      entries_.set_name(unit, dwarf::DW_AT_name, sites_.file);
    if (code_.size)
      set_range(unit, code_.begin, code_.size);
    if (!lines_.empty())
      entries_.set(unit, dwarf::DW_AT_stmt_list, dwarf::DW_FORM_sec_offset, 0);
  }

  void set_range(DIE &entry, std::uint64_t begin, std::uint64_t size) {
    entries_.set(entry, dwarf::DW_AT_low_pc, dwarf::DW_FORM_addr, begin);
    entries_.set_number(entry, dwarf::DW_AT_high_pc, size);
  }

  void describe_function(const DebugSymbol &symbol, ArrayRef<const DebugSite *> sites) {
    const DebugFrame &first = sites.front()->frames.back();
    DIE &function = entries_.add(entries_.unit(), dwarf::DW_TAG_subprogram);
    entries_.set_name(function, dwarf::DW_AT_name, first.function);
    entries_.set_name(function, dwarf::DW_AT_linkage_name, first.linkage_name);
    entries_.set_flag(function, dwarf::DW_AT_external);
    set_range(function, symbol.address, symbol.size);
    entries_.set_place(function, dwarf::DW_AT_frame_base, std::uint8_t(dwarf::DW_OP_call_frame_cfa));
    describe_parameters(function, sites);
    for (const DebugSite *site : sites)
      describe_site(function, *site);
  }

  /// Those of the function itself are the same at all sites.
  void describe_parameters(DIE &function, ArrayRef<const DebugSite *> sites) {
    struct Parameter {
      const DebugVariable *declared;
      SmallVector<std::pair<std::uint64_t, ArrayRef<std::uint8_t>>, 8> places;
    };
    SmallVector<Parameter, 8> parameters;
    for (const DebugSite *site : sites)
      for (const DebugVariable &variable : site->frames.back().variables) {
        if (!variable.is_parameter)
          continue;
        auto *found =
            find_if(parameters, [&](const Parameter &each) { return each.declared->number == variable.number; });
        if (found == parameters.end())
          found = parameters.insert(found, {&variable, {}});
        if (!variable.place.empty())
          found->places.emplace_back(site->return_pc - 1, variable.place);
      }
    for (const Parameter &parameter : parameters) {
      DIE &entry = declare(function, dwarf::DW_TAG_formal_parameter, *parameter.declared);
      if (parameter.places.empty())
        continue;
      entries_.set(entry, dwarf::DW_AT_location, dwarf::DW_FORM_sec_offset, locations_.size());
      for (const auto &[at, place] : parameter.places)
        add_location(at - code_.begin, place);
      add_location_end();
    }
  }

  void add_location(std::uint64_t offset, ArrayRef<std::uint8_t> place) {
    locations_.number(offset);
    locations_.number(offset + 1);
    locations_.number(std::uint16_t(place.size()));
    locations_.block(place);
  }
  void add_location_end() {
    locations_.number(std::uint64_t(0));
    locations_.number(std::uint64_t(0));
  }

  void describe_site(DIE &function, const DebugSite &site) {
    const std::uint64_t at = site.return_pc - 1;
    DIE *inside = &function;
    for (std::size_t i = site.frames.size(); i-- > 0;) {
      const DebugFrame &frame = site.frames[i];
      const bool is_inlined = i + 1 != site.frames.size();
      if (is_inlined)
        inside = &begin_inlined(*inside, frame, site.frames[i + 1], at);
      inside = &describe_variables(*inside, frame, at, is_inlined);
    }
  }

  DIE &begin_inlined(DIE &inside, const DebugFrame &frame, const DebugFrame &caller, std::uint64_t at) {
    DIE &entry = entries_.add(inside, dwarf::DW_TAG_inlined_subroutine);
    entries_.refer(entry, dwarf::DW_AT_abstract_origin, abstract(frame));
    set_range(entry, at, 1);
    if (!caller.file.empty() && !lines_.empty()) {
      entries_.set_number(entry, dwarf::DW_AT_call_file, lines_.file(caller.file));
      entries_.set_number(entry, dwarf::DW_AT_call_line, caller.line);
    }
    return entry;
  }

  DIE &abstract(const DebugFrame &frame) {
    DIE *&known = abstract_[{frame.function, frame.linkage_name}];
    if (!known) {
      known = &entries_.add(entries_.unit(), dwarf::DW_TAG_subprogram);
      entries_.set_name(*known, dwarf::DW_AT_name, frame.function);
      entries_.set_name(*known, dwarf::DW_AT_linkage_name, frame.linkage_name);
      entries_.set_number(*known, dwarf::DW_AT_inline, dwarf::DW_INL_inlined);
    }
    return *known;
  }

  /// Scopes are blocks in blocks, for the sake of variables with one name. Returns the innermost.
  DIE &describe_variables(DIE &outer, const DebugFrame &frame, std::uint64_t at, bool with_parameters) {
    DIE *inside = &outer;
    std::map<unsigned, SmallVector<const DebugVariable *, 8>> by_depth;
    for (const DebugVariable &variable : frame.variables) {
      if (!variable.is_parameter)
        by_depth[variable.depth].push_back(&variable);
      else if (with_parameters)
        set_place(declare(outer, dwarf::DW_TAG_formal_parameter, variable), variable);
    }
    for (const auto &[depth, variables] : by_depth) {
      inside = &entries_.add(*inside, dwarf::DW_TAG_lexical_block);
      set_range(*inside, at, 1);
      for (const DebugVariable *variable : variables)
        set_place(declare(*inside, dwarf::DW_TAG_variable, *variable), *variable);
    }
    return *inside;
  }

  DIE &declare(DIE &inside, dwarf::Tag tag, const DebugVariable &variable) {
    DIE &entry = entries_.add(inside, tag);
    entries_.set_name(entry, dwarf::DW_AT_name, variable.name);
    if (variable.line)
      entries_.set_number(entry, dwarf::DW_AT_decl_line, variable.line);
    types_.set_type(entry, {variable.table, variable.type});
    return entry;
  }
  void set_place(DIE &entry, const DebugVariable &variable) {
    if (!variable.place.empty())
      entries_.set_place(entry, dwarf::DW_AT_location, variable.place);
  }

  void describe_global(const DebugGlobal &global) {
    DIE *scope = &entries_.unit();
    for (const std::string &name : global.namespaces) {
      DIE *&known = namespaces_[{scope, name}];
      if (!known) {
        known = &entries_.add(*scope, dwarf::DW_TAG_namespace);
        entries_.set_name(*known, dwarf::DW_AT_name, name);
      }
      scope = known;
    }
    DIE &entry = entries_.add(*scope, dwarf::DW_TAG_variable);
    entries_.set_name(entry, dwarf::DW_AT_name, global.name);
    entries_.set_name(entry, dwarf::DW_AT_linkage_name, global.linkage_name);
    if (global.line)
      entries_.set_number(entry, dwarf::DW_AT_decl_line, global.line);
    types_.set_type(entry, {0, global.type});
    if (!global.address || !DebugTypes::has_values(sites_.types.front()[global.type]))
      return; // an external one would be looked for under its name elsewhere
    if (!global.is_local)
      entries_.set_flag(entry, dwarf::DW_AT_external);
    DwarfWriter place;
    place.number(std::uint8_t(dwarf::DW_OP_addr));
    place.number(*global.address);
    entries_.set_place(entry, dwarf::DW_AT_location, place.take());
  }

  const DebugCode &code_;
  const DebugSites &sites_;
  DebugEntries entries_;
  DebugTypes types_;
  DebugLines lines_;
  DwarfWriter locations_;
  SmallVector<const DebugSite *, 16> sorted_;
  std::map<std::pair<std::string, std::string>, DIE *> abstract_;
  std::map<std::pair<const DIE *, std::string>, DIE *> namespaces_;
};

} // namespace

DebugSections describe_sites(const DebugCode &code) { return DebugUnitWriter(code).write(); }

} // namespace osr
