// Check that dl_iterate_phdr lists the program's variables, by which collectors and profilers find static data: for the
// program itself and for who asks by the name that shared libraries use.
// libs: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

typedef int Visit(struct dl_phdr_info *, size_t, void *);
typedef int Iterate(Visit *, void *);

struct Question {
  const volatile char *address;
  int writable, readable, objects;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
  struct Question *question = data;
  if (size < sizeof(ElfW(Addr)) + sizeof(char *))
    abort();
  ++question->objects;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD)
      continue;
    ElfW(Addr) begin = info->dlpi_addr + header->p_vaddr;
    if ((ElfW(Addr))question->address - begin >= header->p_memsz)
      continue;
    question->readable += (header->p_flags & PF_R) != 0;
    question->writable += (header->p_flags & PF_W) != 0;
  }
  return 0;
}

static int stop_at_third(struct dl_phdr_info *info, size_t size, void *data) {
  (void)info, (void)size;
  return ++*(int *)data == 3 ? 42 : 0;
}

long *exported_root[8];
static long counted = 7;
static char zeroed[100000];
const long constants[4] = {1, 2, 3, 4};

static void ask(Iterate *iterate, const char *who, const char *what, const volatile void *address) {
  struct Question question = {address, 0, 0, 0};
  int result = iterate(look, &question);
  printf("%s: %s is %s, %s; several objects: %d, result %d\n", who, what, question.readable ? "listed" : "unknown",
         question.writable ? "writable" : "not writable", question.objects > 1, result);
}

static void ask_for_all(Iterate *iterate, const char *who) {
  ask(iterate, who, "exported_root", exported_root);
  ask(iterate, who, "counted", &counted);
  ask(iterate, who, "the end of zeroed", &zeroed[sizeof zeroed - 1]);
  ask(iterate, who, "constants", constants);
  void *block = malloc(10);
  ask(iterate, who, "the heap", block);
  free(block);
  int seen = 0;
  int result = iterate(stop_at_third, &seen);
  printf("%s: stopped with %d after %d\n", who, result, seen);
}

/// A mark phase in small: words in writable segments that point at `object`.
static int find_root(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
      continue;
    ElfW(Addr) begin = (info->dlpi_addr + header->p_vaddr + 7) & ~(ElfW(Addr))7;
    ElfW(Addr) end = info->dlpi_addr + header->p_vaddr + header->p_memsz;
    for (ElfW(Addr) word = begin; word + 8 <= end; word += 8)
      if ((long *volatile *)word == (long *volatile *)&exported_root[5])
        return *(void *volatile *)word == data;
  }
  return 0;
}

int main(void) {
  counted += zeroed[3];
  ask_for_all(dl_iterate_phdr, "program");
  Iterate *of_libraries = (Iterate *)dlsym(RTLD_DEFAULT, "dl_iterate_phdr");
  ask_for_all(of_libraries, "library");
  exported_root[5] = malloc(sizeof(long));
  printf("root found: %d\n", dl_iterate_phdr(find_root, exported_root[5]));
  free(exported_root[5]);
  return 0;
}
