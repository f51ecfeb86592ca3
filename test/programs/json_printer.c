// Check that a JSON reader and pretty printer with a growing string builder survive replaced frames.
//
// The builder's storage moves while many frames hold a pointer to it; lists are built through out-parameters.

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

struct builder {
  char *text;
  size_t length, capacity;
};

static void reserve(struct builder *b, size_t more) {
  if (b->length + more < b->capacity)
    return;
  b->capacity = (b->length + more) * 2;
  if (!(b->text = realloc(b->text, b->capacity)))
    abort();
}

static void add_bytes(struct builder *b, const char *bytes, size_t count) {
  reserve(b, count + 1);
  memcpy(b->text + b->length, bytes, count);
  b->length += count;
  b->text[b->length] = '\0';
}

static void add_text(struct builder *b, const char *text) { add_bytes(b, text, strlen(text)); }
static void new_line(struct builder *b, int indent) {
  for (add_text(b, "\n"); indent > 0; indent--)
    add_text(b, " ");
}

enum kind { Word, Number, String, Array, Object };

static const char *const words[] = {"null", "false", "true"};
struct json {
  enum kind kind;
  int word;
  double number;
  char *text;                // String
  char *name;                // set in members of an object
  struct json *first, *next; // the first element of an Array or Object; the next one of the parent
};

static void free_json(struct json *j) {
  while (j) {
    struct json *next = j->next;
    free_json(j->first);
    free(j->text);
    free(j->name);
    free(j);
    j = next;
  }
}

struct reader {
  const char *start, *at, *error;
};

static bool fail(struct reader *r, const char *error) {
  if (!r->error)
    r->error = error;
  return false;
}

static char peek(struct reader *r) {
  r->at += strspn(r->at, " \n");
  return *r->at;
}

static bool take(struct reader *r, char wanted) {
  if (peek(r) != wanted)
    return false;
  r->at++;
  return true;
}

static bool read_string(struct reader *r, char **out) {
  struct builder b = {0};
  if (!take(r, '"'))
    return fail(r, "string expected");
  reserve(&b, 1);
  b.text[0] = '\0';
  while (*r->at && *r->at != '"') {
    char c = *r->at++;
    if (c == '\\') {
      static const char codes[] = "n\nt\t\"\"\\\\";
      const char *code = strchr(codes, *r->at);
      if (!code || !*code)
        return free(b.text), fail(r, "bad escape");
      c = code[1];
      r->at++;
    }
    add_bytes(&b, &c, 1);
  }
  *out = b.text;
  return *r->at++ == '"' || (r->at--, fail(r, "unfinished string"));
}

static bool read_value(struct reader *r, struct json **out);

static bool read_members(struct reader *r, struct json **tail, char close, bool named) {
  if (take(r, close))
    return true;
  do {
    char *name = NULL;
    if (named && !(read_string(r, &name) && (take(r, ':') || fail(r, "':' expected"))))
      return free(name), false;
    if (!read_value(r, tail))
      return free(name), false;
    (*tail)->name = name;
    tail = &(*tail)->next;
  } while (take(r, ','));
  return take(r, close) || fail(r, named ? "'}' expected" : "']' expected");
}

static bool read_word(struct reader *r, int *word) {
  for (*word = 0; *word < 3; ++*word) {
    size_t length = strlen(words[*word]);
    if (strncmp(r->at, words[*word], length) == 0)
      return r->at += length, true;
  }
  return fail(r, "unknown word");
}

static bool read_number(struct reader *r, double *number) {
  char *end;
  *number = strtod(r->at, &end);
  if (end == r->at)
    return fail(r, "value expected");
  r->at = end;
  return true;
}

static bool read_value(struct reader *r, struct json **out) {
  struct json *j = calloc(1, sizeof *j);
  if (!j)
    abort();
  char c = peek(r);
  bool good;
  switch (c) {
  case '{': j->kind = Object, r->at++, good = read_members(r, &j->first, '}', true); break;
  case '[': j->kind = Array, r->at++, good = read_members(r, &j->first, ']', false); break;
  case '"': j->kind = String, good = read_string(r, &j->text); break;
  default: j->kind = isalpha((unsigned char)c) ? Word : Number;
    good = j->kind == Word ? read_word(r, &j->word) : read_number(r, &j->number);
  }
  if (good)
    *out = j;
  else
    free_json(j);
  return good;
}

static void print_string(struct builder *b, const char *text) {
  add_text(b, "\"");
  for (; *text; text++) {
    const char *escape = *text == '\n' ? "\\n" : *text == '\t' ? "\\t" : *text == '"' ? "\\\"" : "\\\\";
    if (strchr("\n\t\"\\", *text))
      add_text(b, escape);
    else
      add_bytes(b, text, 1);
  }
  add_text(b, "\"");
}

static void print_value(struct builder *b, const struct json *j, int indent) {
  char number[32];
  switch (j->kind) {
  case Word: add_text(b, words[j->word]); return;
  case Number: snprintf(number, sizeof number, "%.10g", j->number), add_text(b, number); return;
  case String: print_string(b, j->text); return;
  case Array: case Object: break;
  }
  add_text(b, j->kind == Array ? "[" : "{");
  for (const struct json *item = j->first; item; item = item->next) {
    add_text(b, item == j->first ? "" : ",");
    new_line(b, indent + 2);
    if (item->name)
      print_string(b, item->name), add_text(b, ": ");
    print_value(b, item, indent + 2);
  }
  if (j->first)
    new_line(b, indent);
  add_text(b, j->kind == Array ? "]" : "}");
}

static bool reformat(const char *text, struct builder *out, struct reader *r) {
  struct json *value = NULL;
  *r = (struct reader){text, text, NULL};
  bool good = read_value(r, &value) && (!peek(r) || fail(r, "rubbish at the end"));
  if (good)
    print_value(out, value, 0);
  free_json(value);
  return good;
}

static void make_nested(struct builder *b, int depth, uint32_t state) {
  if (depth == 0) {
    add_text(b, state & 1 ? "null" : state & 2 ? "-0.125" : "3e2");
    return;
  }
  add_text(b, state & 4 ? "[" : "{");
  for (int i = 0; i < 3; i++) {
    add_text(b, i ? "," : "");
    add_text(b, state & 4 ? "" : i == 0 ? "\"a\":" : i == 1 ? "\"b\\n\":" : "\"\\\"c\":");
    make_nested(b, depth - 1 - (i == 2 && depth > 1), state * 1664525u + 1013904223u * (unsigned)(i + 1));
  }
  add_text(b, state & 4 ? "]" : "}");
}

static const char *const samples[] = {
    "{\"site\": 7, \"live\": [1, 2.5, -3e2, true, null], \"name\": \"a \\\"b\\\"\\t\", \"empty\": {}, \"none\": []}",
    "[1, 2", "{\"a\" 1}", "[\"open]", "[1, 2] 3", "{\"a\": [tru]}", "\"\\q\"", "",
};

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  struct reader r;
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    struct builder out = {0};
    if (reformat(samples[i], &out, &r))
      puts(out.text);
    else
      printf("%s: %s at %d\n", samples[i], r.error, (int)(r.at - r.start));
    free(out.text);
  }
  unsigned same = 0, rounds = 2 + (unsigned)scale / 3;
  uint32_t hash = 1;
  for (unsigned round = 0; round < rounds; round++) {
    struct builder source = {0}, once = {0}, twice = {0};
    make_nested(&source, 3 + (int)(round % 3), round * 977);
    same += reformat(source.text, &once, &r) && reformat(once.text, &twice, &r) && strcmp(once.text, twice.text) == 0;
    for (size_t i = 0; i < once.length; i++)
      hash = (hash ^ (unsigned char)once.text[i]) * 16777619u;
    free(source.text), free(once.text), free(twice.text);
  }
  printf("%u of %u stable, hash %08x\n", same, rounds, hash);
  return same == rounds ? 0 : 1;
}
