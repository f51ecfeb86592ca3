// How a new body is made, so that activations of the old one can go on in it.
#include "compiler/base/error.h"
#include "compiler/codegen/numbered_lines.h"
#include "compiler/sites/fingerprint.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/same_shape.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/redefine/site_places.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>

using namespace llvm;

namespace osr {

namespace {

/// In the source; 0: not known.
std::uint32_t line_of(const DILocation &at, const CanonicalProgram &program) {
  const BodyLines *lines = lines_of_file(program, at.getFilename());
  if (!lines)
    return at.getLine();
  const LineInFile *found = lines->find(at.getLine());
  return found ? found->line : 0;
}

} // namespace

std::vector<std::string> site_places(const Function &code, const CanonicalProgram &program) {
  std::vector<std::string> places;
  for (const Instruction &instruction : instructions(code)) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    if (!call || !is_site(*call))
      continue;
    const DILocation *at = location_of_site(*call);
    const Function *callee = call->getCalledFunction();
    const std::string name = callee ? name_for_people(callee->getName()).str() : "";
    const std::uint32_t line = at ? line_of(*at, program) : 0;
    places.push_back(fmt::format("{}{}", line ? fmt::format(":{}", line) : "",
                                 is_loop_poll(*call) ? ", in a loop"
                                 : name.empty()      ? ", in a call by pointer"
                                                     : fmt::format(", in the call of '{}'", name)));
  }
  return places;
}

/// Before the engine's lock is taken. "" if they are there, or nobody wants them.
std::string Redefiner::prepare_tables(bool is_wanted) {
  if (!is_wanted)
    return {};
  return tables_ ? toString(tables_->prepare()) : "nothing is known of the program's variables";
}

Expected<KnownBody> Redefiner::source_of_body(FunctionId body) {
  if (auto made = made_.find(body); made != made_.end()) {
    std::optional<Compiler::DescribedBody> &described = made->second.described;
    if (!described && made->second.problem.empty()) {
      auto found = engine_.compiler().describe_body(body, *made->second.ir, made->second.making);
      if (found)
        described = std::move(*found);
      else
        made->second.problem = toString(found.takeError());
    }
    if (!described)
      return make_error("nothing is known of the old version's variables: {}", made->second.problem);
    if (described->source.fingerprint !=
        fingerprint(engine_.compiler().code_of(body))) // its number is another one's now
      return make_error("nothing is known of the old version's variables");
    return KnownBody{&described->source, described->types};
  }
  if (!tables_problem_.empty())
    return make_error("{}", tables_problem_);
  const FunctionSource *source = tables_->find(body);
  if (!source)
    return make_error("nothing is known of the old version's variables");
  return KnownBody{source, tables_->types()};
}

/// The plain body if it has the shape of the old one, or if no activation could enter another one.
Expected<Redefiner::Choice> Redefiner::choose_body(FunctionId old, MemoryBufferRef ir, const RedefineOptions &options,
                                                   RedefineOutcome &outcome) {
  Choice choice;
  auto body = prepare(old, ir);
  if (!body)
    return body.takeError();
  choice.body = std::move(*body);
  const FunctionInfo &info = choice.body.info;
  auto map = site_map_for(old, info, *choice.body.module->getFunction(info.name), options, outcome);
  if (!map)
    return map.takeError();
  choice.site_map = std::move(*map);
  if (!choice.site_map.empty() || outcome.had_same_sites || !options.find_site_map)
    return choice;
  if (Error error = choose_enterable(old, ir, choice)) {
    const std::string reason = toString(std::move(error));
    for (std::uint32_t site = 0; site != engine_.program().functions[old].sites().size(); ++site)
      choice.refused[site] = reason;
  }
  note_choice(old, choice, outcome);
  return choice;
}

/// The error says why nobody can enter it at its sites; then `choice` is as before.
Error Redefiner::choose_enterable(FunctionId old, MemoryBufferRef ir, Choice &choice) {
  if (engine_.program().functions[old].pinned != PinReason::None || choice.body.info.pinned != PinReason::None)
    return make_error("frames of one of its bodies are never replaced");
  auto known = source_of_body(old);
  if (!known)
    return known.takeError();
  const auto type_of = [types = known->types](SourceTypeId id) -> const SourceType & { return types[id]; };
  const Function &old_code = engine_.compiler().code_of(old);
  Compiler::BodyMaking making;
  making.is_enterable = true;
  making.objects = placed_objects(*known->source, type_of, old_code);
  auto body = prepare(old, ir, making);
  if (!body)
    return body.takeError();
  const auto address_of = [this](const std::string &symbol) -> std::optional<std::uint64_t> {
    auto address = engine_.session().lookup(symbol);
    return address ? std::optional(*address) : (consumeError(address.takeError()), std::nullopt);
  };
  AutomaticMap found =
      map_sites({old_code, *body->module->getFunction(body->info.name), engine_.program().functions[old].sites(),
                 body->info.sites(), *known->source, type_of, body->entries, address_of});
  const std::vector<Site> &old_sites = engine_.program().functions[old].sites();
  for (SiteMapping &mapping : found.map)
    if (Error error = check_site_map({mapping}, old_sites, body->info.sites()))
      found.refused[mapping.from_site] = toString(std::move(error));
    else
      choice.site_map.push_back(std::move(mapping));
  choice.refused = std::move(found.refused);
  if (choice.site_map.empty())
    return Error::success(); // the plain body has what LLVM knows
  choice.body = std::move(*body);
  choice.making = std::move(making);
  return Error::success();
}

/// What is said of each site, and to whom it is told.
void Redefiner::note_choice(FunctionId old, Choice &choice, RedefineOutcome &outcome) const {
  const std::string name = name_for_people(engine_.program().functions[old].name).str();
  const std::vector<std::string> places = site_places(engine_.compiler().code_of(old), engine_.program());
  for (const SiteMapping &mapping : choice.site_map)
    outcome.sites.push_back({name, mapping.from_site, mapping.to_site, ""});
  for (auto &[site, reason] : choice.refused) {
    outcome.sites.push_back({name, site, std::nullopt, reason});
    reason = fmt::format("{}{}: {}", name, site < places.size() ? places[site] : "", reason);
  }
}

/// Of bodies that nobody comes back to.
void Redefiner::forget_made() {
  const Bodies &bodies = engine_.targets().bodies();
  std::erase_if(made_, [&](const auto &made) { return !bodies.is_current(made.first) && !bodies.is_kept(made.first); });
}

} // namespace osr
