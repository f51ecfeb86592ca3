// Check that work with strings and stdio streams survives replaced frames.
//
// snprintf, sscanf, strtok_r, temporary files, memory streams and cookie streams. A cookie stream calls program
// functions from inside stdio, so libc frames lie between program frames; streams, buffers and iterator state live
// in older frames while newer ones are replaced.

#define _GNU_SOURCE
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t hash_text(const char *text) {
  uint32_t hash = 2166136261u;
  while (*text)
    hash = (hash ^ (unsigned char)*text++) * 16777619u;
  return hash;
}

// ---- strtok_r nested in strtok_r: assignments "name=a,b,c;..." ----

static int sum_items(char *list) {
  char *state, *item;
  int sum = 0;
  for (item = strtok_r(list, ",", &state); item; item = strtok_r(NULL, ",", &state))
    sum += (int)strtol(item, NULL, 0);
  return sum;
}

static int sum_of(const char *text, const char *wanted) {
  char copy[128], *state, *assignment;
  int result = -1;
  snprintf(copy, sizeof copy, "%s", text);
  for (assignment = strtok_r(copy, ";", &state); assignment; assignment = strtok_r(NULL, ";", &state)) {
    char *equals = strchr(assignment, '=');
    if (!equals)
      continue;
    *equals = '\0';
    int sum = sum_items(equals + 1);
    if (strcmp(assignment, wanted) == 0)
      result = sum;
  }
  return result;
}

// ---- a cookie stream: every byte written goes through a recursive Caesar cipher ----

struct cipher {
  char text[4096];
  size_t length, read_at;
  int key;
};

static char shift_letter(char c, int key) {
  if (key == 0)
    return c;
  if (!isalpha((unsigned char)c))
    return c;
  char next = (c == 'z') ? 'a' : (c == 'Z') ? 'A' : (char)(c + 1);
  return shift_letter(next, key - 1);
}

static ssize_t cipher_write(void *cookie, const char *bytes, size_t size) {
  struct cipher *c = cookie;
  for (size_t i = 0; i < size && c->length + 1 < sizeof c->text; i++)
    c->text[c->length++] = shift_letter(bytes[i], c->key);
  c->text[c->length] = '\0';
  return (ssize_t)size;
}

static ssize_t cipher_read(void *cookie, char *bytes, size_t size) {
  struct cipher *c = cookie;
  size_t i;
  for (i = 0; i < size && c->read_at < c->length; i++)
    bytes[i] = shift_letter(c->text[c->read_at++], 26 - c->key);
  return (ssize_t)i;
}

static int cipher_close(void *cookie) {
  struct cipher *c = cookie;
  printf("cipher closed: %zu bytes, %zu read\n", c->length, c->read_at);
  return 0;
}

static FILE *open_cipher(struct cipher *c, const char *mode) {
  cookie_io_functions_t functions = {.read = cipher_read, .write = cipher_write, .close = cipher_close};
  FILE *stream = fopencookie(c, mode, functions);
  if (!stream)
    abort();
  return stream;
}

static void print_tree(FILE *out, int depth, int width) {
  fprintf(out, "%*s(%d", 2 * width, "", depth);
  if (depth > 0) {
    fputc('\n', out);
    print_tree(out, depth - 1, width + 1);
    if (depth % 2 == 0)
      print_tree(out, depth - 2, width + 1);
  }
  fputs(depth % 2 ? " Odd)\n" : " Even)\n", out);
}

// ---- a temporary file: write records, seek about, read them back with fscanf ----

static long records_in_file(int count) {
  FILE *file = tmpfile();
  if (!file)
    return -1;
  for (int i = 0; i < count; i++)
    fprintf(file, "record %d %5.2f %s\n", i, i * 0.25, i % 3 ? "plain" : "special");
  rewind(file);
  long sum = 0;
  int number;
  double value;
  char kind[16];
  while (fscanf(file, "record %d %lf %15s\n", &number, &value, kind) == 3)
    sum += (long)(value * 4) * (kind[0] == 's' ? 10 : 1) + number;
  fseek(file, 7, SEEK_SET);
  if (fscanf(file, "%d", &number) == 1)
    sum += number;
  int c = fgetc(file);
  ungetc('Z', file);
  sum += c + fgetc(file);
  fclose(file);
  return sum;
}

// ---- sscanf and snprintf round trip ----

static int round_trip(int i, char *line, size_t size) {
  char name[12], back[64];
  unsigned hex;
  int number, used = 0;
  float fraction;
  snprintf(line, size, "item-%c%03d: %+d 0x%x %.3f [%s]", 'a' + i % 26, i, i * 7 - 20,
           (unsigned)i * 2654435761u, i / 8.0, i % 2 ? "odd" : "even");
  if (sscanf(line, "%11[^:]: %d 0x%x %f %n", name, &number, &hex, &fraction, &used) != 4)
    return 0;
  snprintf(back, sizeof back, "%s: %+d 0x%x %.3f %s", name, number, hex, (double)fraction, line + used);
  return strcmp(line, back) == 0;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  static const char text[] = "alpha=1,2,3;beta=0x10,020,7;gamma;delta=-5,5,99";
  printf("sums: %d %d %d %d\n", sum_of(text, "alpha"), sum_of(text, "beta"), sum_of(text, "delta"),
         sum_of(text, "gamma"));

  struct cipher cipher = {.key = 3};
  FILE *stream = open_cipher(&cipher, "w");
  setvbuf(stream, NULL, _IOFBF, 64);
  print_tree(stream, 6, 0);
  fprintf(stream, "%s %d %c\n", "xyz XYZ", 42, 'w');
  fclose(stream);
  printf("enciphered: %08x, ends %s", hash_text(cipher.text), strrchr(cipher.text, '\n') - 12);
  stream = open_cipher(&cipher, "r");
  char line[128] = "";
  int lines = 0;
  while (fgets(line, sizeof line, stream))
    lines++;
  fclose(stream);
  printf("%d lines, last: %s", lines, line);

  char *memory = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&memory, &size);
  if (!out)
    return 2;
  int same = 0, count = 10 * scale;
  for (int i = 0; i < count; i++) {
    same += round_trip(i, line, sizeof line);
    fprintf(out, "%s\n", line);
  }
  fclose(out);
  printf("%d of %d lines the same, %zu bytes, hash %08x\n", same, count, size, hash_text(memory));
  free(memory);
  printf("records: %ld\n", records_in_file(count));
  return 0;
}
