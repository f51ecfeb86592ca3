#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *join(char *left, const char *right) {
  size_t a = strlen(left), b = strlen(right);
  char *text = malloc(a + b + 1);
  memcpy(text, left, a);
  memcpy(text + a, right, b + 1);
  free(left);
  return text;
}

__attribute__((noinline)) static char *line(int words) {
  char *text = calloc(1, 1);
  for (int i = 0; i < words; ++i) {
    text = join(text, "word");
    if (strcmp(text, "wordword") == 0)
      text = join(text, ",");
  }
  return text;
}

int main(void) {
  int same = 0;
  char *first = line(20);
  for (int i = 0; i < 3000000; ++i) {
    char *text = line(20);
    same += strcmp(text, first) == 0;
    free(text);
  }
  printf("%g\n", (double)same);
}
