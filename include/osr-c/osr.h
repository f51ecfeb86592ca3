/* The runtime for hosts in C, and in languages that call C. What each call does in more words: include/osr/runtime.h.
 *
 * Strings are UTF-8 that ends with a null byte. Calls that can fail return a message, or NULL when they did what they say:
 * the caller frees it by osr_free_message. Pointers are those of something, unless it is said that they may be NULL. All may be called from any thread unless they say something else. Example:
 *
 *     osr_runtime *runtime;
 *     check(osr_create(OSR_TIER_BASELINE, &runtime));
 *     check(osr_add_ir(runtime, text, strlen(text), "module", NULL));
 *     check(osr_attach_thread());
 *     uint64_t add;
 *     check(osr_lookup(runtime, "add", &add));
 *     uint64_t five = osr_call(add, 2, 3, 0);
 */
#ifndef OSR_C_OSR_H
#define OSR_C_OSR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define OSR_ANY_VALUE : unsigned /* as C has it: a value without a name is an error, and no undefined behaviour */
extern "C" {
#else
#define OSR_ANY_VALUE
#endif

typedef struct osr_runtime osr_runtime;
typedef uint64_t osr_module; /* never used again */
typedef enum OSR_ANY_VALUE { OSR_TIER_BASELINE, OSR_TIER_OPTIMIZED, OSR_TIER_AUTO } osr_tier;

void osr_free_message(char *message);
/* What kind of error it is: include/osr/error.h. Of messages that calls have returned, and NULL. */
typedef enum OSR_ANY_VALUE {
  OSR_OK,
  OSR_REFUSED,
  OSR_UNKNOWN,
  OSR_EXISTS,
  OSR_INVALID,
  OSR_NO_MEMORY,
  OSR_WRONG_STATE,
  OSR_IN_USE,
  OSR_TIMED_OUT,
  OSR_CANCELLED
} osr_code;
osr_code osr_code_of(const char *message);

/* A runtime for a program that grows; there may be several in a process. OSR_TIER_AUTO: functions begin at the baseline tier and are
 * optimised when they are hot. */
char *osr_create(osr_tier tier, osr_runtime **runtime);

/* What a runtime does: include/osr/listener.h. */
typedef enum OSR_ANY_VALUE {
  OSR_EVENT_COMPILED,
  OSR_EVENT_NOT_COMPILED,
  OSR_EVENT_TIER_CHANGED,
  OSR_EVENT_EXITED,
  OSR_EVENT_DROPPED,
  OSR_EVENT_CYCLE,
  OSR_EVENT_REDEFINED,
  OSR_EVENT_REMOVED,
  OSR_EVENT_OUT_OF_USE,
  OSR_EVENT_FREED
} osr_event_kind;

/* Valid during the call. */
typedef struct {
  osr_event_kind kind;
  const char *function; /* `function_length` bytes */
  size_t function_length;
  osr_tier tier;
  int has_site;
  uint32_t site;
  uint64_t bytes;
  double seconds;
  uint64_t activations;
  uint64_t times;
  const char *reason; /* `reason_length` bytes */
  size_t reason_length;
} osr_event;

/* One value of a frame state, as words, lowest first: include/osr/deoptimize.h. */
typedef struct {
  const char *type; /* LLVM type; `type_length` bytes */
  size_t type_length;
  const uint64_t *words;
  size_t word_count;
} osr_value;

/* An activation that goes on in the host's interpreter. Valid during the call. */
typedef struct {
  const char *function; /* `function_length` bytes */
  size_t function_length;
  const char *result_type; /* LLVM type; `result_type_length` bytes */
  size_t result_type_length;
  const osr_value *arguments; /* of the guard behind its condition, or of llvm.experimental.deoptimize */
  size_t argument_count;
  const osr_value *state; /* the operands of the bundle */
  size_t state_count;
} osr_deoptimized;

/* What LLVM has made, for later compiles, other runtimes and other processes: include/osr/compile_cache.h. Thread-safe. Runtimes that have it
 * keep it: it may be forgotten at any time. */
typedef struct osr_cache osr_cache;
osr_cache *osr_cache_create(size_t most_bytes); /* 0: as much as is usual */
char *osr_cache_load(osr_cache *cache, const char *path);
char *osr_cache_save(osr_cache *cache, const char *path);
void osr_cache_forget(osr_cache *cache);

/* All but `size` may be 0. What each means, and what the functions may do: include/osr/options.h. */
typedef struct {
  size_t size; /* of this structure: sizeof(osr_options) */
  osr_tier tier;
  const unsigned *reference_spaces; /* address spaces whose pointers a collector of the host's looks after */
  size_t reference_space_count;
  void *context; /* is given to all functions below, which may be called from any thread */
  void (*listener)(const osr_event *event, void *context);
  int (*resolve)(const char *name, uint64_t *address, void *context); /* returns 0 if it does not know the name */
  int no_process_symbols;
  uint64_t (*compile_failed)(const char *function, const char *reason,
                             void *context); /* what is called instead, or 0 */
  void (*cannot_go_on)(const char *reason, void *context); /* may leave by longjmp */
  void (*message)(const char *text, void *context);
  const char *target_cpu, *target_features;
  size_t most_instructions; /* limits for compiles; 0: none */
  uint64_t most_milliseconds, most_failures;
  int deterministic;
  const char *environment; /* name of a variable that holds options */
  /* The host's interpreter: does the rest of the activation and gives what its function returns, in up to two words. It returns. */
  void (*deoptimize)(const osr_deoptimized *frame, uint64_t result[2], void *context);
  const osr_cache *cache; /* what LLVM has made before is taken from there */
} osr_options;
/* The same with more choices. */
char *osr_create_with(const osr_options *options, osr_runtime **runtime);
/* Fails, and changes nothing, while a thread is in a function of the program. */
char *osr_close(osr_runtime *runtime);

/* A function or variable of the host that modules may name. */
char *osr_define(osr_runtime *runtime, const char *name, uint64_t address);
/* Bitcode or text of LLVM IR; `module` may be NULL. Nothing of `bytes` is used after the call. */
char *osr_add_ir(osr_runtime *runtime, const char *bytes, size_t size, const char *name, osr_module *module);
/* A module of LLVM's C interface (LLVMOrcThreadSafeModuleRef), which belongs to the runtime from here on, whatever happens. */
struct LLVMOrcOpaqueThreadSafeModule;
char *osr_add_module(osr_runtime *runtime, struct LLVMOrcOpaqueThreadSafeModule *given, osr_module *module);
char *osr_remove(osr_runtime *runtime, osr_module module);
/* Name spaces of their own for modules: include/osr/library.h. Of a library that is forgotten only the handle goes. */
typedef struct osr_library osr_library;
char *osr_library_create(osr_runtime *runtime, const char *name, osr_library **library);
char *osr_library_add_to_link_order(osr_library *library, const osr_library *other);
char *osr_library_add_ir(osr_library *library, const char *bytes, size_t size, const char *name, osr_module *module);
char *osr_library_add_module(osr_library *library, struct LLVMOrcOpaqueThreadSafeModule *given, osr_module *module);
char *osr_library_lookup(osr_library *library, const char *name, uint64_t *address);
/* What its function is called in the whole runtime, to be freed like a message. */
char *osr_library_name_of(osr_library *library, const char *name);
void osr_library_forget(osr_library *library);
/* Runs constructors of modules that were added. In an attached thread. */
char *osr_initialize(osr_runtime *runtime);
/* Compiles the function; its address stays the same whatever code it has. */
char *osr_lookup(osr_runtime *runtime, const char *name, uint64_t *address);
/* The same address, without compiling anything; 0: there is no such function. */
uint64_t osr_address_of(osr_runtime *runtime, const char *function);

/* The calling thread may call functions of the program until it detaches. May be nested. */
char *osr_attach_thread(void);
void osr_detach_thread(void);
/* A function of up to three integers or pointers that returns one, or nothing. A thread that is not attached is so for the time of the
 * call; without memory for that 0 is returned, and it is said (osr_options). */
uint64_t osr_call(uint64_t address, uint64_t first, uint64_t second, uint64_t third);

/* All activations of the function go on at that tier, which is not OSR_TIER_AUTO; `rewritten` says how many, and may be NULL. */
char *osr_replace(osr_runtime *runtime, const char *function, osr_tier tier, uint64_t *rewritten);
/* What becomes of activations of the old code. */
typedef enum OSR_ANY_VALUE { OSR_FRAMES_REWRITE, OSR_FRAMES_FINISH_OLD, OSR_FRAMES_WAIT_QUIESCENT } osr_frames;
/* All but `size` may be 0: include/osr/replace.h. */
typedef struct {
  size_t size; /* sizeof(osr_replace_options) */
  osr_tier tier;
  osr_frames frames;
  int keep_old_code;
  int keep_calls; /* calls to come go where they went */
  int recompile;
  int without_waiting; /* activations that are executing in the function itself stay */
  long only_thread; /* its kernel number; 0: all threads */
} osr_replace_options;
typedef struct {
  uint64_t rewritten; /* activations that go on in the new code when control returns to them */
  uint64_t already; /* had been rewritten before */
  uint64_t running; /* stay, because they are executing */
  uint64_t refused; /* stay, for other reasons, which the statistics have */
} osr_replace_outcome;
/* The same with more choices; `outcome` may be NULL. */
char *osr_replace_with(osr_runtime *runtime, const char *function, const osr_replace_options *options,
                       osr_replace_outcome *outcome);
/* A new body of the same type, as IR that defines nothing else. */
char *osr_redefine(osr_runtime *runtime, const char *function, const char *bytes, size_t size);
/* All but `size` may be 0: include/osr/redefine.h. */
typedef struct {
  size_t size; /* sizeof(osr_redefine_options) */
  osr_tier tier; /* of the new body, for activations that go on in it */
  int keep_old_body; /* for osr_revert */
  int same_sites;
  int same_sites_if_same_shape;
  int find_site_map;
} osr_redefine_options;
/* The same with more choices; `old_body`, which says what became of its activations, may be NULL. */
char *osr_redefine_with(osr_runtime *runtime, const char *function, const char *bytes, size_t size,
                        const osr_redefine_options *options, osr_replace_outcome *old_body);
/* Back to the body before the last redefinition that kept it. */
char *osr_revert(osr_runtime *runtime, const char *function);
/* Frees at once what nothing leads into any more. Not 0: code that is out of use has to wait for its activations. */
int osr_reclaim(osr_runtime *runtime);

/* An interpreter's way into optimised code: behind a site of the function, with the frame state of that, or behind the first call that the
 * front end has marked with this point, with the bundle's values. `values` are as a store writes them; `returned` gets what the function
 * returns. In a thread of the program: Runtime::enter_at. */
char *osr_enter_at(osr_runtime *runtime, const char *function, uint32_t site, const void *const *values,
                   const size_t *sizes, size_t count, uint64_t result, uint64_t *returned);
char *osr_enter_at_point(osr_runtime *runtime, const char *function, uint64_t point, const void *const *values,
                         const size_t *sizes, size_t count, uint64_t result, uint64_t *returned);
/* A local object in memory, fresh and zero: include/osr/entered.h. Its address is good as long as the activation. */
typedef struct {
  const char *name; /* `name_length` bytes; it may have none */
  size_t name_length;
  void *address;
  size_t bytes;
  int has_value; /* not 0: `value` of the point's bundle is its address */
  size_t value;
} osr_object;
/* The same for functions with such objects: before control enters, `fill` writes what the interpreter has for them. For the value that is their
 * place in the frame state of a site the size is 0; those of a point that are their addresses are not used. */
char *osr_enter_at_with(osr_runtime *runtime, const char *function, uint32_t site, const void *const *values,
                        const size_t *sizes, size_t count, uint64_t result,
                        void (*fill)(const osr_object *objects, size_t count, void *context), void *context,
                        uint64_t *returned);
char *osr_enter_at_point_with(osr_runtime *runtime, const char *function, uint64_t point, const void *const *values,
                              const size_t *sizes, size_t count, uint64_t result,
                              void (*fill)(const osr_object *objects, size_t count, void *context), void *context,
                              uint64_t *returned);

/* Collection: include/osr/safepoint.h. All threads of the program come to a safepoint within `milliseconds`, then `work` is called in this
 * thread, and they go on. Not 0 for `objects_move`: roots may be changed. */
typedef struct osr_safepoint osr_safepoint;
char *osr_at_safepoint(osr_runtime *runtime, int objects_move, unsigned milliseconds,
                       void (*work)(osr_safepoint *safepoint, void *context), void *context);
/* Within `work`: each place that holds a reference, once. */
void osr_visit_roots(osr_safepoint *safepoint, void (*visit)(void **root, unsigned address_space, void *context),
                     void *context);
/* Within `work`, for collectors that look at words: each range of memory that may hold what an activation goes on with. */
void osr_visit_ranges(const osr_safepoint *safepoint, void (*visit)(const void *low, const void *high, void *context),
                      void *context);
/* Between the two the calling thread, in a function that the program has called, touches no reference, calls no function of the program but by
 * osr_call, and does not leave by longjmp: nobody waits for it, and no signal is sent to it (AwayFromProgram in
 * include/osr/thread.h). Returns what the second one wants. */
int osr_go_away(void);
void osr_come_back(int was_in_program);
/* Between the two the calling thread counts as one that runs the program, although it is in the host: for interpreters that hold references
 * (InProgram in include/osr/thread.h). Returns what the second one wants. In between, osr_poll is a place where a collector may work. */
int osr_come_in(void);
void osr_go_out(int has_come_in);
void osr_poll(void);

/* Stacks of their own for functions of the program: include/osr/fiber.h. `stack_bytes` may be 0. */
typedef struct osr_fiber osr_fiber;
char *osr_fiber_create(void (*work)(void *context), void *context, size_t stack_bytes, osr_fiber **fiber);
/* `is_suspended` gets 0 if its work is done. */
char *osr_fiber_resume(osr_fiber *fiber, int *is_suspended);
char *osr_fiber_suspend(void);
void osr_fiber_destroy(osr_fiber *fiber);

/* Stacks that the host changes to and from by code of its own, and says so: include/osr/host_stack.h. */
typedef struct osr_stack osr_stack;
char *osr_stack_of_this_thread(osr_stack **stack);
char *osr_stack_at(void *low, size_t bytes, osr_stack **stack);
/* On `from`: `change` changes to `to`; this returns when somebody has changed back. */
char *osr_stack_change(osr_stack *from, osr_stack *to, void (*change)(void *context), void *context);
/* The first thing on a stack that was changed to when nothing was on it. */
char *osr_stack_begin(osr_stack *stack, void (*work)(void *context), void *context);
void osr_stack_forget(osr_stack *stack);

/* One activation of a function of the program: include/osr/activation.h. Valid during the call. */
typedef struct {
  long thread; /* its id */
  const char *function; /* `function_length` bytes */
  size_t function_length;
  osr_tier tier;
  int is_inlined;
  int has_point; /* not 0: `point` is the front end's id for where it waits */
  uint64_t point;
  size_t value_count;
  const void *const *values; /* in the bundle's order; NULL: not known */
  const size_t *value_sizes; /* bytes */
  const char *file; /* `file_length` bytes, of what it waits for, if the module has debug information */
  size_t file_length;
  unsigned line; /* 0: not known */
} osr_activation;
/* Newest first, thread by thread, until `visit` returns 0. */
char *osr_for_each_activation(osr_runtime *runtime, int (*visit)(const osr_activation *activation, void *context),
                              void *context);

/* Statistics as JSON, to be freed like a message; NULL if the runtime is busy. */
char *osr_statistics(osr_runtime *runtime);

#ifdef __cplusplus
}
#endif

#endif
