/* The runtime for hosts in C, and in languages that call C. What each call does in more words: include/osr/runtime.h.
 *
 * Strings are UTF-8 that ends with a null byte. Calls that can fail return a message, or NULL when they did what they say:
 * the caller frees it by osr_free_message. All may be called from any thread unless they say something else. Example:
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
extern "C" {
#endif

typedef struct osr_runtime osr_runtime;
typedef uint64_t osr_module; /* never used again */
typedef enum { OSR_TIER_BASELINE, OSR_TIER_OPTIMIZED, OSR_TIER_AUTO } osr_tier;

void osr_free_message(char *message);

/* A runtime for a program that grows; there may be several in a process. OSR_TIER_AUTO: functions begin at the baseline tier and are
 * optimised when they are hot. */
char *osr_create(osr_tier tier, osr_runtime **runtime);

/* What a runtime does: include/osr/listener.h. */
typedef enum {
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
} osr_options;
/* The same with more choices. */
char *osr_create_with(const osr_options *options, osr_runtime **runtime);
/* Fails, and changes nothing, while a thread is in a function of the program. */
char *osr_close(osr_runtime *runtime);

/* A function or variable of the host that modules may name. */
char *osr_define(osr_runtime *runtime, const char *name, uint64_t address);
/* Bitcode or text of LLVM IR; `module` may be NULL. Nothing of `bytes` is used after the call. */
char *osr_add_ir(osr_runtime *runtime, const char *bytes, size_t size, const char *name, osr_module *module);
char *osr_remove(osr_runtime *runtime, osr_module module);
/* Runs constructors of modules that were added. In an attached thread. */
char *osr_initialize(osr_runtime *runtime);
/* Compiles the function; its address stays the same whatever code it has. */
char *osr_lookup(osr_runtime *runtime, const char *name, uint64_t *address);

/* The calling thread may call functions of the program until it detaches. May be nested. */
char *osr_attach_thread(void);
void osr_detach_thread(void);
/* In an attached thread: a function of up to three integers or pointers that returns one, or nothing. */
uint64_t osr_call(uint64_t address, uint64_t first, uint64_t second, uint64_t third);

/* All activations of the function go on at that tier, which is not OSR_TIER_AUTO; `rewritten` says how many, and may be NULL. */
char *osr_replace(osr_runtime *runtime, const char *function, osr_tier tier, uint64_t *rewritten);
/* A new body of the same type, as IR that defines nothing else. */
char *osr_redefine(osr_runtime *runtime, const char *function, const char *bytes, size_t size);
/* Collection: include/osr/safepoint.h. All threads of the program come to a safepoint within `milliseconds`, then `work` is called in this
 * thread, and they go on. Not 0 for `objects_move`: roots may be changed. */
typedef struct osr_safepoint osr_safepoint;
char *osr_at_safepoint(osr_runtime *runtime, int objects_move, unsigned milliseconds,
                       void (*work)(osr_safepoint *safepoint, void *context), void *context);
/* Within `work`: each place that holds a reference, once. */
void osr_visit_roots(osr_safepoint *safepoint, void (*visit)(void **root, unsigned address_space, void *context),
                     void *context);
/* Between the two the calling thread, in a function that the program has called, touches no reference: nobody waits for it. Returns
 * what the second one wants. */
int osr_go_away(void);
void osr_come_back(int was_in_program);

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
