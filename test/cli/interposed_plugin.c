// A plugin: it takes functions and variables of the program that loads it, also while it is being loaded.
int program_answer(int x);
int level(void);
extern int threshold;
static int while_loading;
__attribute__((constructor)) static void begin(void) { while_loading = program_answer(100) + threshold + (level() > 5); }
int run_plugin(int x) { return program_answer(x) + threshold + while_loading; }
