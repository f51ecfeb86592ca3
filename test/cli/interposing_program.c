// Replaces functions and variables of a library it is linked with, and of the C library; loads another that needs it.
#define _GNU_SOURCE
#include "interposed_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int asked, asked_for, blocks;
int threshold = 40;
int level(void) { return 10 + asked++ % 2; }
int program_answer(int x) { return x * 3 + threshold; }
int program_option(void) { return 77; }
void *take_block(unsigned long size) {
  blocks++;
  char *block = malloc(size + 16);
  strcpy(block, "program's block");
  return block + 16;
}
void give_block(void *block) {
  blocks -= strcmp((char *)block - 16, "program's block") == 0;
  free((char *)block - 16);
}
/// The C library's, for everybody but the runtime and its libraries.
char *getenv(const char *name) {
  asked_for += strcmp(name, "INTERPOSED") == 0;
  return NULL;
}
__attribute__((visibility("hidden"))) int hidden_one(void) { return 1; }
extern int deflate(void) __attribute__((weak)), tputs(void) __attribute__((weak)), xmlInitParser(void) __attribute__((weak));

static void *find(void *handle, const char *name) {
  dlerror();
  void *found = dlsym(handle, name);
  if ((found == NULL) != (dlerror() != NULL))
    puts("dlerror does not agree");
  return found;
}

int main(int argc, char **argv) {
  printf("level %d threshold %d\n", ask_level(100), ask_threshold());
  threshold = 50;
  printf("threshold %d answer %d option %d\n", ask_threshold(), ask_program(4), ask_if_there());
  for (int i = 0; i < 100; i++) {
    char *upper = copy_upper("some text");
    if (strcmp(upper, "SOME TEXT") != 0)
      return 1;
    drop(upper);
  }
  printf("blocks %d, asked for %d\n", blocks, asked_for);

  void *self = dlopen(NULL, RTLD_NOW);
  int (*answer)(int) = (int (*)(int))find(self, "program_answer");
  int (*next)(void) = (int (*)(void))find(RTLD_NEXT, "level");
  int *own = find(RTLD_DEFAULT, "threshold"), *theirs = find(RTLD_NEXT, "threshold");
  printf("answer %d, own level %d, next %d\n", answer ? answer(1) : -1, find(RTLD_DEFAULT, "level") == (void *)level,
         next ? next() : -1);
  printf("own variable %d, next %d\n", own == &threshold, theirs != NULL && theirs != own ? *theirs : -1);
  printf("hidden %d, other libraries %d %d %d, none %d\n", find(self, "hidden_one") != NULL,
         find(RTLD_DEFAULT, "LLVMGetVersion") != NULL, deflate != NULL || tputs != NULL || xmlInitParser != NULL,
         find(self, "ZSTD_versionNumber") != NULL, find(RTLD_DEFAULT, "no_such_symbol") != NULL);
  printf("next malloc %d, write %d\n", find(RTLD_NEXT, "malloc") != NULL, find(RTLD_DEFAULT, "write") != NULL);

  void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!plugin) {
    printf("no plugin: %s\n", dlerror());
    return 1;
  }
  int (*run)(int) = (int (*)(int))find(plugin, "run_plugin");
  printf("plugin %d", run(5));
  printf(" %d, its level %d\n", run(6), find(plugin, "level") != NULL);
  void *library = dlopen("libinterposed.so", RTLD_NOW | RTLD_NOLOAD);
  int (*library_level)(void) = library ? (int (*)(void))find(library, "level") : NULL;
  printf("library's level %d\n", library_level ? library_level() : -1);
  return 0;
}
