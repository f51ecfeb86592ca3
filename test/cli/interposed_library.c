// Calls its own functions so that a program's take their place, and functions that only programs have.
#include "interposed_library.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int threshold = 3;
int level(void) { return 1; }
int program_answer(int x);
int program_option(void) __attribute__((weak));
void *take_block(unsigned long size) { return malloc(size); }
void give_block(void *block) { free(block); }
static int (*in_data)(void) = level;

int ask_level(int times) {
  int sum = 0;
  for (int i = 0; i < times; i++)
    sum += level() + in_data();
  return sum;
}
int ask_threshold(void) { return threshold; }
int ask_program(int x) { return program_answer(x) + 1; }
int ask_if_there(void) { return program_option ? program_option() : -1; }
char *copy_upper(const char *text) {
  if (getenv("INTERPOSED"))
    return 0;
  char *copy = take_block(strlen(text) + 1);
  for (int i = 0; (copy[i] = (char)toupper((unsigned char)text[i])); i++) {
  }
  return copy;
}
void drop(char *text) { give_block(text); }
