// Ways back on which activations of the newer body come along, by an automatic site map.
//
//   the body before: made for who enters it at its beginning ── its IR ──► another one, which can be entered at its sites
//                                                                                 ▲
//   the newer body: somebody stands in it ────────────── site map ────────────────┘
//
// The other one takes the place of the body before. So it is made only if nobody stands in that any more: who does goes on in it once it is
// current again, and comes along when the function is changed the next time.
#include "compiler/base/error.h"
#include "compiler/sites/same_shape.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

/// If it leads to the body that was kept still then activations end where they are, and `refused` says why. The error: nothing has changed.
Error Redefiner::go_back_by_map(Exchange &exchange, const RedefineOptions &options, RedefineOutcome &outcome) {
  const auto ir = kept_ir(exchange.before);
  if (!ir || !is_worth_a_map(exchange))
    return Error::success();
  auto choice = choose_body(exchange.old, *ir, options, outcome);
  if (!choice) {
    consumeError(choice.takeError()); // the body that is there does
    return Error::success();
  }
  if (choice->site_map.empty()) {
    exchange.refused = std::move(choice->refused);
    return Error::success();
  }
  const FunctionId before = exchange.before;
  auto made = adopt_choice(exchange.old, std::move(*choice), *ir, options);
  if (!made)
    return made.takeError();
  exchange = std::move(*made);
  exchange.before = before;
  return Error::success();
}

/// What redefine() would take to make the body again. Nothing: it is not known, or variables of its own would begin anew.
std::optional<MemoryBufferRef> Redefiner::kept_ir(FunctionId body) const {
  if (const auto made = made_.find(body); made != made_.end())
    return made->second.has_state ? std::nullopt : std::optional(made->second.ir->getMemBufferRef());
  const auto original = originals_.find(body);
  if (original == originals_.end() || !tables_ || !tables_->find(body)) // its number may be another one's now
    return std::nullopt;
  return original->second;
}

/// Stacks that the program makes itself are not all seen.
bool Redefiner::is_worth_a_map(const Exchange &exchange) {
  if (replacer_.reclaimer().has_hidden_stacks())
    return false;
  auto standing =
      find_standing(engine_, [&](FunctionId body) { return body == exchange.old || body == exchange.before; });
  if (!standing) {
    consumeError(standing.takeError());
    return false;
  }
  return !standing->activations.empty() &&
         all_of(standing->activations, [&](const auto &activation) { return activation.body == exchange.old; });
}

/// Of bodies that the program began with there is no IR as they were written but in its files, which are read without the engine's lock; if
/// somebody changes something meanwhile, for nothing.
void Redefiner::read_originals(const std::string &alone) {
  if (!tables_)
    return;
  std::map<FunctionId, MemoryBufferRef> found;
  for (const auto &[body, name] : wanted_originals(alone))
    if (auto ir = tables_->ir_of(name))
      found.emplace(body, *ir);
    else
      consumeError(ir.takeError());
  if (found.empty())
    return;
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  originals_ = std::move(found);
}

/// With their names.
std::map<FunctionId, std::string> Redefiner::wanted_originals(const std::string &alone) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  std::map<FunctionId, std::string> wanted;
  PatchOptions options;
  options.alone = alone;
  if (errorToBool(check_ready(alone)) || errorToBool(check_way_back(options))) // who goes back hears it
    return wanted;
  for (const FunctionId now : bodies_that_go_back(options)) {
    Exchange exchange;
    exchange.old = now;
    exchange.before = cantFail(body_before(engine_.targets().bodies().entry_of(now)));
    const FunctionInfo &info = engine_.program().functions[exchange.before];
    Compiler &compiler = engine_.compiler();
    if (!info.came_later && !have_same_shape(compiler.code_of(now), compiler.code_of(exchange.before)) &&
        is_worth_a_map(exchange))
      wanted[exchange.before] = StringRef(info.name).split(old_body_mark).first.str();
  }
  return wanted;
}

} // namespace osr
