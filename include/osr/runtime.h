// The runtime of one program: compiled lazily, run, and its frames replaced while it runs.
#pragma once

#include "osr/activation.h"
#include "osr/entered.h"
#include "osr/options.h"
#include "osr/redefine.h"
#include "osr/replace.h"
#include "osr/safepoint.h"
#include "osr/statistics.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/ExecutionEngine/Orc/ThreadSafeModule.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace osr {

class Engine;
struct RuntimeImpl;

/// A module of one runtime; never used again.
using ModuleId = std::uint64_t;

/// Owns everything that a running program needs: one that grows, module by module, and whose functions the host calls,
/// or a whole program of C or C++, which run_main() runs. A process may have several, at once and one after the other,
/// but one for a whole program at a time. They share the threads that are attached, and how these are stopped
/// (Options::stops); each has its own names, code and locks. Functions of one may call those of others, which are like
/// functions of the host to it.
///
///     auto runtime = cantFail(Runtime::create({.tier = Tier::Baseline}));      // grows
///     cantFail(runtime->add(std::move(module)));
///     auto thread = cantFail(ThreadAttachment::attach());
///     std::uint64_t six = thread.call(cantFail(runtime->lookup("multiply")), 2, 3);
///
///     auto runtime = cantFail(Runtime::create(std::move(program), {}));        // is whole
///     int status = cantFail(runtime->run_main({"program", "argument"}));
///
/// and meanwhile, in another thread of the host or of the program:
///
///     ReplaceOutcome outcome = cantFail(runtime->replace("hot", {.to = Tier::Optimized}));
///
/// run_main() and the destructor belong to one thread; all others may be called from any. Functions are compiled
/// when they are first called.
class Runtime {
public:
  using Options = RuntimeOptions;

  /// A program that grows. Of the process nothing is changed but what replacing frames takes: a signal handler
  /// (Options::stops) and the way in which unwinders find frames. Fails with a reason when another runtime uses another
  /// signal, or when the kernel lacks what the options need; then nothing is left of it.
  static llvm::Expected<std::unique_ptr<Runtime>> create(Options options = {});

  /// Takes a whole program of C, C++ or another language, compiles its globals and gives every function its entry.
  /// Fails with a reason when the module holds what cannot be compiled, a symbol cannot be resolved, a library not be
  /// loaded, there is a whole program already, or the kernel lacks what the options need. Nobody else may use the
  /// module's context from here on.
  static llvm::Expected<std::unique_ptr<Runtime>> create(llvm::orc::ThreadSafeModule program, Options options = {});

  /// Destroys the runtime, or says which thread, or waiting stack, is in which function of the program, or that functions of
  /// this class are under way: then it stays. No thread may begin with either meanwhile; threads may be in other runtimes, and stay
  /// attached.
  static llvm::Error close(std::unique_ptr<Runtime> &runtime);
  /// No thread may be in the program: that is not checked, and close() does.
  ~Runtime();
  Runtime(const Runtime &) = delete;
  Runtime &operator=(const Runtime &) = delete;

  /// Runs static constructors, then main(argc, argv, environ), and returns main's result. From here on the process has
  /// the program's name, arguments[0], in messages of the C library and in the kernel's lists. Destructors of the
  /// program are registered with atexit. Fails when there is no main, or not one of that type.
  llvm::Expected<int> run_main(const std::vector<std::string> &arguments);

  /// Makes a module a part of the program: functions, variables, aliases. Names are known to all modules, local ones to
  /// their own; of weak definitions (linkonce_odr and the like) the first one counts, and goes with its module. What
  /// functions refer to may come later, when they are first called at the latest; what variables refer to has to be
  /// there. Takes time for what is in the module, not for what the program has. The error names what is invalid, cannot
  /// be compiled, or is defined already; then nothing has changed. A name that was removed and comes again has the address that it
  /// had; of different names, a runtime has addresses for about a million functions in its life.
  llvm::Expected<ModuleId> add(llvm::orc::ThreadSafeModule module);
  /// The program does not have the module's functions any more. Calls of them fail as those of a function that cannot
  /// be compiled (Options::compile_failed), until another module defines the name, with the same type. Activations end
  /// in the old code. Memory of code, records and variables comes back when nothing leads into it, and no other
  /// function names it. Who keeps a pointer to one of its variables must not use it. The error says that there
  /// is no such module.
  llvm::Error remove(ModuleId module);
  /// Runs the constructors of modules that were added since the last time, in the order of adding, and chooses what
  /// ifuncs mean. In an attached thread. Destructors of modules (llvm.global_dtors) are not run.
  llvm::Error initialize();
  /// Functions and variables of the host that modules to come, and functions that are not compiled yet, may name: all of
  /// them, or none and an error, if one has no name or address, is there twice, or is known already.
  llvm::Error define(llvm::ArrayRef<HostSymbol> symbols);

  /// The address of a function of the program, compiled now so that its first call waits for nothing, or of a variable.
  /// The host may call it in an attached thread, by ThreadAttachment::call or by a pointer of its type; a call by
  /// pointer is found by walking the host's frames, and where a collector works it has to be made within
  /// ThreadAttachment::run. The error says why it cannot be compiled, or that there is none.
  llvm::Expected<std::uint64_t> lookup(llvm::StringRef name);
  /// The address of a function as the program sees it: the same whatever body and version it has. 0 if there is none.
  std::uint64_t address_of(llvm::StringRef function);

  /// Replaces all activations of a function that are at another tier, in all threads, wherever they are. Calls to come
  /// enter the new tier, and the old code's memory is given back; osr/replace.h has the choices. The error says why
  /// nothing was done; then nothing has changed. With Frames::WaitQuiescent not from an activation that it would wait for:
  /// that is ErrorCode::WrongState.
  llvm::Expected<ReplaceOutcome> replace(llvm::StringRef function, const ReplaceOptions &options);
  /// The same in the background. `options.is_cancelled` is not used: the result has cancel().
  std::shared_ptr<PendingRequest> request(llvm::StringRef function, const ReplaceOptions &options);

  /// Gives a function a new body of the same type, defined by bitcode or text IR that defines no other function. Calls
  /// to come run the new body, in all threads. Optimised code that rested on the old body goes out of use, and its
  /// activations go on in baseline code. Activations of the old body end in it, or go on in the new one where the site
  /// map says how. The old code is freed as by replace(). The error says why nothing was done.
  llvm::Expected<RedefineOutcome> redefine(llvm::StringRef function, llvm::MemoryBufferRef ir,
                                           const RedefineOptions &options = {});
  /// Goes back to the body that the function had before the last redefinition that kept it
  /// (RedefineOptions::keep_old_body); of the options, `keep_old_body` is not used. The error says that there is none.
  llvm::Expected<RedefineOutcome> revert(llvm::StringRef function, const RedefineOptions &options = {});
  /// The function as it was written, by itself: bitcode that redefine() takes. Fails unless the options said
  /// keep_source.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(llvm::StringRef function);

  /// An interpreter's way into compiled code: goes on behind a site of the function, in optimised code, as an
  /// activation with this frame state would whose call has just returned `result`, and returns what the function
  /// returns. In a thread of the program. `osrctl sites` says which values each site takes, and of which sizes. If the function has
  /// local objects in memory that are used from there on, it gets fresh ones: the value that is their place is left empty, and `fill` gets the
  /// objects before control enters. The error says why there is no way in. The code is kept until the call is left, by an
  /// exception as well; if by longjmp, until the thread's next one from there.
  llvm::Expected<std::uint64_t> enter_at(llvm::StringRef function, std::uint32_t site,
                                         llvm::ArrayRef<EnteredValue> state, std::uint64_t result = 0,
                                         FillObjects fill = nullptr);

  /// The same at the first call that the front end has marked with this point (osr/activation.h); `values` are the
  /// bundle's. Of those that are addresses of local objects nothing is used: `fill` hears where these are.
  llvm::Expected<std::uint64_t> enter_at_point(llvm::StringRef function, std::uint64_t point,
                                               llvm::ArrayRef<EnteredValue> values, std::uint64_t result = 0,
                                               FillObjects fill = nullptr);
  /// Calls `visit` with each activation of the program at one moment, thread by thread, newest first, until it returns
  /// false. The threads run again meanwhile. `visit` may not use a runtime. The error says which stack cannot be
  /// walked.
  llvm::Error for_each_activation(llvm::function_ref<bool(const Activation &)> visit,
                                  std::optional<pid_t> thread = std::nullopt);

  /// Brings all threads of the program to a safepoint, calls `work` there, in this thread, and lets them go on:
  /// osr/safepoint.h. From any thread: also from a function that compiled code has called, whose callers' references
  /// are among the roots; its own are not. Others that ask for a safepoint meanwhile wait, and are no obstacle. `work`
  /// may ask another runtime for a safepoint, which is the same one: so a collector of several finds all roots. It may
  /// not call functions of the program. The error says who did not come, or whose code cannot be left; then `work` was
  /// not called.
  llvm::Error at_safepoint(llvm::function_ref<void(Safepoint &)> work, const SafepointOptions &options = {});

  /// Frees at once what nothing leads into any more; the runtime does so by itself, sooner or later. True if code that
  /// is out of use has to wait for its activations.
  bool reclaim();

  /// Statistics at one moment. Empty if another thread holds the runtime's lock for more than a few seconds.
  std::optional<Statistics> snapshot();

  /// The parts below, for tests and tools.
  Engine &engine();

private:
  friend struct RuntimeImpl;
  explicit Runtime(std::unique_ptr<RuntimeImpl> impl);
  std::unique_ptr<RuntimeImpl> impl_;
};

} // namespace osr
