/* What a host in C may do beyond examples/grow.c: each function returns NULL, or what went wrong. */
#include "osr-c/osr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define REQUIRE(condition)                                                                                             \
  do                                                                                                                   \
    if (!(condition))                                                                                                  \
      return #condition " in line " TEXT(__LINE__);                                                                    \
  while (0)
#define WORKS(call)                                                                                                    \
  do {                                                                                                                 \
    char *message = call;                                                                                              \
    if (message) {                                                                                                     \
      fprintf(stderr, "%s\n", message);                                                                                \
      return #call " in line " TEXT(__LINE__);                                                                         \
    }                                                                                                                  \
  } while (0)

static const char *problem; /* of a callback */
static osr_runtime *runtime;

/* Whether the call has failed for a reason that mentions this. */
static int fails_with(char *message, const char *text) {
  const int found = message && strstr(message, text);
  osr_free_message(message);
  return found;
}

static const char *begin(osr_options options, const char *ir) {
  options.size = sizeof(options);
  WORKS(osr_create_with(&options, &runtime));
  WORKS(osr_add_ir(runtime, ir, strlen(ir), "module", NULL));
  WORKS(osr_attach_thread());
  return NULL;
}

static const char *end(void) {
  osr_detach_thread();
  WORKS(osr_close(runtime));
  return problem;
}

static int is(const char *text, size_t length, const char *wanted) {
  return length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

static void interpret(const osr_deoptimized *frame, uint64_t result[2], void *context) {
  if (!is(frame->function, frame->function_length, "guarded") ||
      !is(frame->result_type, frame->result_type_length, "i64") || frame->state_count != 2 ||
      frame->state[0].word_count != 1 || !is(frame->state[1].type, frame->state[1].type_length, "double"))
    problem = "the frame is another one";
  ++*(unsigned *)context;
  result[0] = frame->state[0].words[0] + 1000;
}

const char *c_host_interprets(void) {
  static const char ir[] = "declare i64 @llvm.experimental.deoptimize.i64(...)\n"
                           "define i64 @guarded(i64 %x) {\n"
                           "  %small = icmp ult i64 %x, 10\n"
                           "  br i1 %small, label %ok, label %out\n"
                           "ok:\n"
                           "  ret i64 %x\n"
                           "out:\n"
                           "  %r = call i64 (...) @llvm.experimental.deoptimize.i64() [\"deopt\"(i64 %x, double 2.0)]\n"
                           "  ret i64 %r\n"
                           "}\n";
  unsigned times = 0;
  uint64_t address;
  osr_options options = {.tier = OSR_TIER_OPTIMIZED, .context = &times, .deoptimize = interpret};
  const char *failure = begin(options, ir);
  if (failure)
    return failure;
  WORKS(osr_lookup(runtime, "guarded", &address));
  REQUIRE(address == osr_address_of(runtime, "guarded") && osr_address_of(runtime, "nobody") == 0);
  REQUIRE(osr_call(address, 3, 0, 0) == 3);
  REQUIRE(osr_call(address, 30, 0, 0) == 1030);
  REQUIRE(times == 1);
  return end();
}

const char *c_host_enters(void) {
  static const char ir[] = "declare i64 @host(i64)\n"
                           "define i64 @middle(i64 %n) {\n"
                           "  %half = sdiv i64 %n, 2\n"
                           "  %r = call i64 @host(i64 %half) [\"deopt\"(i64 21, i64 %n, i64 %half)]\n"
                           "  %s = add i64 %r, %n\n"
                           "  ret i64 %s\n"
                           "}\n";
  const uint64_t n = 100, half = 7;
  const void *const values[] = {&n, &half};
  const size_t sizes[] = {sizeof(n), sizeof(half)};
  uint64_t result = 0;
  const char *failure = begin((osr_options){.tier = OSR_TIER_OPTIMIZED}, ir);
  if (failure)
    return failure;
  WORKS(osr_define(runtime, "host", (uint64_t)(uintptr_t)abs));
  WORKS(osr_enter_at_point(runtime, "middle", 21, values, sizes, 2, 5, &result));
  REQUIRE(result == 105);
  const void *const twice[] = {&n, &n};
  WORKS(osr_enter_at(runtime, "middle", 0, twice, sizes, 2, 6, &result));
  REQUIRE(result == 106);
  REQUIRE(fails_with(osr_enter_at_point(runtime, "middle", 22, values, sizes, 2, 5, &result), "point 22"));
  REQUIRE(fails_with(osr_enter_at(runtime, "middle", 0, values, sizes, 1, 5, NULL), "1 values are given"));
  return end();
}

static void count_compiled(const osr_event *event, void *context) {
  if (event->kind == OSR_EVENT_COMPILED)
    ++*(unsigned *)context;
}

const char *c_host_keeps_what_was_compiled(void) {
  static const char ir[] = "define i64 @square(i64 %n) {\n  %r = mul i64 %n, %n\n  ret i64 %r\n}\n";
  char path[64];
  snprintf(path, sizeof(path), "/tmp/osr-c-host-%ld.cache", (long)getpid());
  unsigned compiled = 0;
  for (int round = 0; round < 2; ++round) {
    osr_cache *cache = osr_cache_create(0);
    WORKS(osr_cache_load(cache, path));
    const char *failure = begin(
        (osr_options){.tier = OSR_TIER_OPTIMIZED, .cache = cache, .context = &compiled, .listener = count_compiled},
        ir);
    if (failure)
      return failure;
    uint64_t square = 0;
    WORKS(osr_lookup(runtime, "square", &square));
    REQUIRE(osr_call(square, 12, 0, 0) == 144);
    char *statistics = osr_statistics(runtime);
    REQUIRE(strstr(statistics, round ? "\"from_cache\": 1" : "\"from_cache\": 0"));
    osr_free_message(statistics);
    WORKS(osr_cache_save(cache, path));
    osr_cache_forget(cache); /* before the runtime goes */
    failure = end();
    if (failure)
      return failure;
  }
  REQUIRE(compiled == 2);
  remove(path);
  osr_cache *cache = osr_cache_create(1 << 20);
  REQUIRE(fails_with(osr_cache_load(cache, "/tmp"), "is no file"));
  osr_cache_forget(cache);
  return NULL;
}

static void exchange(uint64_t *words) {
  const uint64_t first = words[0];
  words[0] = words[1];
  words[1] = first;
}

static void fill_object(const osr_object *objects, size_t count, void *context) {
  if (count != 1 || objects[0].bytes != 2 * sizeof(uint64_t) || !objects[0].has_value || objects[0].value != 1 ||
      !is(objects[0].name, objects[0].name_length, "object"))
    problem = "the objects are others";
  else
    memcpy(objects[0].address, context, 2 * sizeof(uint64_t));
}

const char *c_host_fills_objects(void) {
  static const char ir[] = "declare i64 @host(i64)\n"
                           "declare void @exchange(ptr)\n"
                           "define i64 @keeps(i64 %n) {\n"
                           "  %object = alloca [2 x i64]\n"
                           "  %r = call i64 @host(i64 %n) [\"deopt\"(i64 4, i64 %n, ptr %object)]\n"
                           "  call void @exchange(ptr %object)\n"
                           "  %x = load i64, ptr %object\n"
                           "  %s = add i64 %r, %x\n"
                           "  ret i64 %s\n"
                           "}\n";
  const uint64_t n = 100;
  uint64_t words[2] = {1000, 2000}, result = 0;
  const void *const values[] = {&n, NULL};
  const size_t sizes[] = {sizeof(n), 0};
  const char *failure = begin((osr_options){.tier = OSR_TIER_OPTIMIZED}, ir);
  if (failure)
    return failure;
  WORKS(osr_define(runtime, "host", (uint64_t)(uintptr_t)abs));
  WORKS(osr_define(runtime, "exchange", (uint64_t)(uintptr_t)exchange));
  WORKS(osr_enter_at_point_with(runtime, "keeps", 4, values, sizes, 2, 5, fill_object, words, &result));
  REQUIRE(result == 2005);
  REQUIRE(fails_with(osr_enter_at_point(runtime, "keeps", 4, values, sizes, 2, 5, &result), "fills them"));
  return end();
}

const char *c_host_hears_codes(void) {
  static const char ir[] = "define void @nothing() {\n  ret void\n}\n";
  const char *failure = begin((osr_options){.tier = OSR_TIER_BASELINE}, ir);
  if (failure)
    return failure;
  uint64_t address;
  char *unknown = osr_lookup(runtime, "nobody", &address), *twice = osr_add_ir(runtime, ir, strlen(ir), "again", NULL),
       *state = osr_fiber_suspend(), *broken = osr_add_ir(runtime, "define", 6, "broken", NULL);
  REQUIRE(osr_code_of(unknown) == OSR_UNKNOWN && osr_code_of(twice) == OSR_EXISTS);
  REQUIRE(osr_code_of(state) == OSR_WRONG_STATE && osr_code_of(broken) == OSR_INVALID && osr_code_of(NULL) == OSR_OK);
  osr_free_message(unknown);
  osr_free_message(twice);
  osr_free_message(state);
  osr_free_message(broken);
  osr_free_message(NULL);
  osr_detach_thread(); /* more often than it was attached */
  osr_detach_thread();
  REQUIRE(osr_call(osr_address_of(runtime, "nothing"), 0, 0, 0) < UINT64_MAX); /* attached for the call */
  return end();
}

static const char waiting_ir[] = "declare void @yield()\n"
                                 "define i64 @wait(i64 %n) {\n"
                                 "  call void @yield()\n"
                                 "  %r = mul i64 %n, 3\n"
                                 "  ret i64 %r\n"
                                 "}\n";
static uint64_t wait_address;
static uint64_t waited;

static void yield_fiber(void) {
  if (osr_fiber_suspend())
    problem = "osr_fiber_suspend";
}

static void wait_in_fiber(void *context) {
  waited = ((uint64_t (*)(uint64_t))(uintptr_t)wait_address)(*(uint64_t *)context);
}

const char *c_host_runs_fibers(void) {
  uint64_t number = 14;
  int is_suspended = -1;
  osr_fiber *fiber;
  osr_replace_outcome outcome;
  osr_replace_options to_optimized = {.size = sizeof(to_optimized), .tier = OSR_TIER_OPTIMIZED, .keep_old_code = 1};
  const char *failure = begin((osr_options){.tier = OSR_TIER_BASELINE}, waiting_ir);
  if (failure)
    return failure;
  WORKS(osr_define(runtime, "yield", (uint64_t)(uintptr_t)yield_fiber));
  WORKS(osr_lookup(runtime, "wait", &wait_address));
  WORKS(osr_fiber_create(wait_in_fiber, &number, 0, &fiber));
  WORKS(osr_fiber_resume(fiber, &is_suspended));
  REQUIRE(is_suspended == 1);
  WORKS(osr_replace_with(runtime, "wait", &to_optimized, &outcome));
  REQUIRE(outcome.rewritten == 1 && outcome.refused == 0);
  WORKS(osr_fiber_resume(fiber, &is_suspended));
  REQUIRE(is_suspended == 0 && waited == 42);
  osr_fiber_destroy(fiber);
  REQUIRE(fails_with(osr_fiber_suspend(), "no fiber"));
  to_optimized.frames = 7;
  REQUIRE(fails_with(osr_replace_with(runtime, "wait", &to_optimized, NULL), "frames"));
  to_optimized.size = 3;
  REQUIRE(fails_with(osr_replace_with(runtime, "wait", &to_optimized, NULL), "unknown size"));
  return end();
}

enum { stack_bytes = 1 << 18 };
static ucontext_t outside, inside;
static osr_stack *own, *coroutine;

static void go_in(void *context) { swapcontext(&outside, &inside); }
static void go_out(void *context) { swapcontext(&inside, &outside); }

static void yield_stack(void) {
  if (osr_stack_change(coroutine, own, go_out, NULL))
    problem = "osr_stack_change";
}

static void first_on_stack(void) {
  static uint64_t number = 5;
  if (osr_stack_begin(coroutine, wait_in_fiber, &number))
    problem = "osr_stack_begin";
  yield_stack();
}

const char *c_host_changes_stacks(void) {
  char *memory = malloc(stack_bytes);
  osr_replace_outcome outcome;
  const osr_replace_options to_optimized = {.size = sizeof(to_optimized), .tier = OSR_TIER_OPTIMIZED};
  const char *failure = begin((osr_options){.tier = OSR_TIER_BASELINE}, waiting_ir);
  if (failure)
    return failure;
  WORKS(osr_define(runtime, "yield", (uint64_t)(uintptr_t)yield_stack));
  WORKS(osr_lookup(runtime, "wait", &wait_address));
  WORKS(osr_stack_of_this_thread(&own));
  WORKS(osr_stack_at(memory, stack_bytes, &coroutine));
  REQUIRE(getcontext(&inside) == 0);
  inside.uc_stack.ss_sp = memory;
  inside.uc_stack.ss_size = stack_bytes;
  makecontext(&inside, first_on_stack, 0);
  WORKS(osr_stack_change(own, coroutine, go_in, NULL));
  WORKS(osr_replace_with(runtime, "wait", &to_optimized, &outcome));
  REQUIRE(outcome.rewritten == 1);
  WORKS(osr_stack_change(own, coroutine, go_in, NULL));
  REQUIRE(waited == 15);
  osr_stack_forget(coroutine);
  osr_stack_forget(own);
  free(memory);
  return end();
}

const char *c_host_reverts(void) {
  static const char first[] = "define i64 @f(i64 %x) { ret i64 1 }\n",
                    second[] = "define i64 @f(i64 %x) { ret i64 2 }\n";
  const osr_redefine_options keeping = {.size = sizeof(keeping), .tier = OSR_TIER_OPTIMIZED, .keep_old_body = 1};
  osr_replace_outcome outcome;
  uint64_t address;
  const char *failure = begin((osr_options){.tier = OSR_TIER_OPTIMIZED}, first);
  if (failure)
    return failure;
  WORKS(osr_lookup(runtime, "f", &address));
  REQUIRE(osr_call(address, 0, 0, 0) == 1);
  WORKS(osr_redefine_with(runtime, "f", second, strlen(second), &keeping, &outcome));
  REQUIRE(osr_call(address, 0, 0, 0) == 2 && outcome.rewritten == 0);
  WORKS(osr_revert(runtime, "f"));
  REQUIRE(osr_call(address, 0, 0, 0) == 1);
  REQUIRE(osr_reclaim(runtime) == 0);
  osr_go_out(osr_come_in());
  osr_poll();
  return end();
}

const char *c_host_has_libraries(void) {
  static const char low_ir[] = "define i64 @f() { ret i64 41 }\n",
                    high_ir[] = "declare i64 @f()\n"
                                "define i64 @g() { %x = call i64 @f()\n %y = add i64 %x, 1\n ret i64 %y }\n";
  osr_library *low, *high;
  uint64_t address;
  char *name;
  const char *failure = begin((osr_options){.tier = OSR_TIER_OPTIMIZED}, low_ir);
  if (failure)
    return failure;
  WORKS(osr_library_create(runtime, "low", &low));
  WORKS(osr_library_create(runtime, "high", &high));
  WORKS(osr_library_add_to_link_order(high, low));
  WORKS(osr_library_add_ir(low, low_ir, strlen(low_ir), "low", NULL));
  WORKS(osr_library_add_ir(high, high_ir, strlen(high_ir), "high", NULL));
  WORKS(osr_library_lookup(high, "g", &address));
  REQUIRE(osr_call(address, 0, 0, 0) == 42);
  name = osr_library_name_of(high, "g");
  REQUIRE(osr_address_of(runtime, name) == address);
  osr_free_message(name);
  REQUIRE(fails_with(osr_library_create(runtime, "low", &low), "already"));
  REQUIRE(fails_with(osr_library_add_ir(low, "?", 1, "low", NULL), "no IR"));
  osr_library_forget(low);
  osr_library_forget(high);
  return end();
}
