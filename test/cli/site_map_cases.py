"""Pairs of versions of functions, for attach_sites_test.py.

Each function waits in a call of stop(), the `wait_at`th that it makes; then it is patched and goes on. What it notes, and returns in the end,
was worked out by hand: up to the call the old version's, from there on the new version's with the variables as the old one left them.
Where `refused` has words, nobody may go on from there, and the old version is carried out to its end.
"""
from dataclasses import dataclass


@dataclass
class Pair:
    name: str
    old: str # with «...» around what is edited
    new: tuple # what stands in place of each «...»
    noted: str
    arguments: tuple = (3, 4)
    wait_at: int = 1
    refused: str = ""

    def versions(self):
        old, new, rest = "", "", self.old
        for edit in self.new:
            before, _, rest = rest.partition("«")
            mine, _, rest = rest.partition("»")
            old, new = old + before + mine, new + before + edit
        assert "«" not in rest, self.name
        return [f"long {self.name}(long a, long b) {{\n{text}\n}}\n" for text in (old + rest, new + rest)]


def pair(name, old, *new, noted, **more):
    return Pair(name, old, new, noted, **more)


PAIRS = [
    pair("line_added_behind", """
  long total = a * 10;
  for (long i = 0; i < b; ++i) {
    total += stop(i);
    «»
    note(total);
  }
  return total;""", "if (total % 2) total += 100;", noted="30 131 233 236 236", wait_at=2),

    pair("line_added_before", """
  long total = a * 10;
  «»
  for (long i = 0; i < b; ++i)
    total += stop(i);
  return total;""", "total += 1000; note(total);", noted="36", wait_at=3),

    pair("bound_changed", """
  long sum = 0;
  for (long i = 0; «i < b»; ++i) {
    note(i);
    sum += stop(i);
  }
  return sum;""", "i < b + 2", noted="0 1 2 3 4 5 15", wait_at=2),

    # x is 0: the new version tests before the call what did not hold when the old one got there, and tests it again behind it.
    pair("condition_before_and_behind", """
  long x = a - 3;
  if («x >= 0») {
    stop(1);
    note(x > 0 ? 1 : 2);
  }
  return x;""", "x > 0", noted="2 0"),

    pair("value_known_before", """
  long mode = a«»;
  «»
  stop(0);
  if (mode == 7)
    note_text("seven");
  return mode * «1»;""", "", "mode = 7; note(mode);", "2", noted="3", refused="takes for granted what 'mode' is"),

    pair("two_variables_become_equal", """
  long x = a, y = b«»;
  stop(0);
  note(x * 10 + y);
  return x - y;""", "; y = x; note(y)", noted="34 -1", refused="'x' and 'y' are one value"),

    pair("variable_for_one_round", """
  long best = 0;
  for (long i = 0; i < b; ++i) {
    long got = stop(i * a % 5);
    «if (got > best)
      best = got;»
    note(best);
  }
  return best;""", """long squared = got * got, limit = squared - i;
    if (limit > best)
      best = limit;""", noted="0 3 3 13 13", wait_at=3),

    pair("variable_that_is_new_and_needed", """
  long sum = a;
  «»
  for (long i = 0; i < b; ++i)
    sum += stop(i)«»;
  return sum;""", "long factor = a * 2;", " * factor", noted="9", refused="'factor' is new, and needed behind it"),

    pair("variable_that_the_old_one_dropped", """
  long scale = a * 7;
  note(scale);
  long got = stop(b);
  return got«»;""", " + scale", noted="21 4", refused="does not keep 'scale' there"),

    pair("variable_renamed", """
  long «total» = a;
  for (long i = 0; i < b; ++i)
    «total» += stop(i);
  return «total»;""", "sum", "sum", "sum * 2", noted="9", refused="'sum' is new, and needed behind it"),

    pair("variable_removed", """
  long unused = a * 3, kept = b;
  long got = stop(1);
  return kept + got + «unused»;""", "100", noted="105"),

    pair("type_changed", """
  «int» n = (int)a;
  long got = stop(b);
  return n * got«»;""", "unsigned", " + 1", noted="12", refused="'n' has another type"),

    pair("call_added_before", """
  long sum = a;
  while (sum < 20) {
    «»
    sum += stop(b);
    note(sum);
  }
  return sum;""", "note_text(\"round\");", noted="7 11 round 15 round 19 round 23 23", wait_at=2),

    pair("call_added_behind", """
  long sum = a;
  while (sum < 20) {
    sum += stop(b);
    «»
  }
  return sum;""", "note(sum);", noted="11 15 19 23 23", wait_at=2),

    pair("call_added_around", """
  long sum = a;
  for (long i = 1; i <= b; ++i)
    sum += «stop(i)»;
  return sum;""", "labs(stop(i) - 10)", noted="25", wait_at=2),

    pair("same_call_added", """
  long x = a;
  «»
  x += stop(b);
  return x;""", "x += stop(b);", noted="7", refused="no call that is surely the same"),

    pair("call_removed_before", """
  note(a);
  «note(b);»
  long got = stop(a);
  return got «*» b;""", "", "+", noted="3 4 7"),

    pair("argument_changed", """
  long sum = 0;
  for (long i = 0; i < b; ++i)
    sum += stop(«i»);
  return sum;""", "i * 100", noted="501", wait_at=2),

    pair("loop_turned_round", """
  long n = a, steps = 0;
  «while (n != 1) {
    n = stop(n % 2 ? 3 * n + 1 : n / 2);
    ++steps;
  }»
  return steps;""", """do {
    n = stop(n % 2 ? 3 * n + 1 : n / 2);
    steps += 10;
  } while (n != 1);""", noted="52", wait_at=3),

    pair("nested_loops", """
  long sum = 0;
  for (long i = 0; i < a; ++i)
    for (long j = 0; «j < b»; ++j)
      sum += stop(i * 10 + j)«»;
  return sum;""", "j < 2", " + 1000", noted="3080", wait_at=7),

    pair("loop_added_around", """
  long x = a;
  «x += stop(b);»
  return x;""", "for (int again = 0; again < 2; ++again) x += stop(b);", noted="7", refused="no call that is surely the same"),

    pair("structure_of_values", """
  struct { long low, high; int count; } range = {a, b, 0};
  for (int i = 0; i < 3; ++i) {
    long got = stop(i * 3);
    if (got < range.low)
      range.low = got;
    «»
    ++range.count;
  }
  return range.low * 100 + range.high * 10 + range.count;""", "if (got > range.high) range.high = got;", noted="63", wait_at=2),

    pair("buffer_in_memory", """
  char text[32];
  snprintf(text, sizeof text, "%ld-%ld", a, b);
  stop(0);
  note_text(text);
  «»
  return strlen(text);""", "strcat(text, \"!\"); note_text(text);", noted="3-4 3-4! 4"),

    pair("buffer_among_others", """
  «»
  char text[32], more[8] = "abc";
  snprintf(text, sizeof text, "%ld-%s", a, more);
  stop(0);
  note_text(text);
  note_text(more);
  return strlen(text)«»;""", "char first[40]; snprintf(first, sizeof first, \"%ld\", a); note_text(first);", " * 2", noted="3-abc abc 10"),

    pair("buffer_that_is_new", """
  char text[32] = "old";
  stop(0);
  «»
  note_text(text);
  return 0;""", "char more[8] = \"new\"; strcat(text, more); note_text(more);", noted="old 0", refused="'more' is new"),

    pair("address_taken", """
  long kept = a * b«»;
  stop(0);
  return kept;""", "; long *where = &kept; note(*where); *where += 1", noted="12", refused="'kept' lies in memory in the new version only"),

    pair("case_added", """
  long state = a;
  for (;;) {
    switch (state) {
    case 3: state = stop(5); break;
    «»
    case 5: note_text("five"); state = stop(9); break;
    default: return state;
    }
  }""", "case 9: note_text(\"nine\"); return stop(90);", noted="five nine 90"),

    # What is left of the new version has one such call, which is not the old one.
    pair("call_in_code_that_is_never_reached", """
  long got = 0;
  «got = stop(b);»
  note(got);
  return a;""", "if (a != a) got = stop(b); else got = stop(1);", noted="4 3", refused="another such call, which is never made"),

    pair("check_added", """
  «»
  long got = stop(a);
  note(got);
  return got + b;""", "if (a > 2) return -1;", noted="3 7"),

    pair("early_return_behind", """
  for (long i = 0; i < 10; ++i) {
    long got = stop(i);
    «»
    note(got * b);
  }
  return -2;""", "if (got == b) return got * 11;", noted="0 4 8 12 44", wait_at=3),

    pair("cleaning_up", """
  long status = 0;
  if (a > 50)
    goto out;
  status = stop(b);
  «»
out:
  note_text("out");
  return status;""", "if (status > 3) { status = -status; goto out; }\n  note_text(\"small\");", noted="out -4"),

    pair("number_set_before", """
  long step = «3», sum = 0;
  for (long i = 0; i < a; ++i)
    sum += stop(i) * step«»;
  return sum;""", "5", " + 1", noted="12"),

    pair("floating_point", """
  double mean = a;
  for (long i = 1; i <= b; ++i) {
    mean = mean * 0.5 + stop(i) * «0.5»;
    note((long)(mean * 16));
  }
  return (long)mean«»;""", "0.25", " * 10", noted="32 24 24 28 10", wait_at=2),

    pair("pointer_that_walks", """
  const char *at = "abcd" + (a - 3);
  long sum = 0;
  for (; *at; ++at) {
    stop(*at);
    sum = sum * «10» + (*at - 'a');
    «»
  }
  return sum;""", "100", "note(sum);", noted="1 102 10203 10203", wait_at=2),

    pair("result_in_an_expression", """
  long sum = a;
  for (long i = 0; i < b; ++i)
    sum = sum + stop(i) * «2»;
  return sum«»;""", "7", " + 1", noted="46", wait_at=2),

    # LLVM keeps the flag as one bit, and computes with it before the call what is needed behind it.
    pair("flag", """
  _Bool is_first = a != 3;
  for (long i = 0; i < 3; ++i) {
    stop(i);
    «note(is_first);»
    is_first = !is_first;
  }
  return is_first;""", "note(is_first ? 10 : 20);", noted="0 1 0 1", wait_at=2, refused="nothing is known of the old version's variables there"),

    pair("call_by_pointer", """
  long (*call)(long) = stop;
  long sum = 0;
  for (long i = 0; i < b; ++i) {
    sum += call(i);
    «»
  }
  return sum;""", "if (sum == 3) call = labs;", noted="6", wait_at=2, refused="no call that is surely the same"),

    pair("call_by_pointer_that_changes", """
  long (*call)(long) = a > 100 ? labs : stop;
  long sum = 0;
  for (long i = 0; i < b; ++i) {
    sum += call(i);
    «»
  }
  return sum;""", "sum += 100;", noted="306", wait_at=2),

    pair("loop_that_calls_nothing", """
  long rounds = 0, value = stop(a * 5);
  about_to_spin();
  while (!atomic_load(&is_over))
    rounds += value == 15«»;
  note(rounds > 0);
  return value«»;""", " || value == 16", " + 1", noted="1 16", wait_at=0),

    pair("loop_that_calls_nothing_turned_round", """
  long value = stop(a * 5), other = stop(b);
  about_to_spin();
  «do {
    other ^= value;
    other ^= value;
  } while (!atomic_load(&is_over));»
  return value * 10 + other;""", """while (!atomic_load(&is_over)) {
    other ^= value;
    other ^= value;
    value += 0 * other;
  }
  note_text("left");""", noted="left 154", wait_at=0),

    pair("variables_of_one_name", """
  long x = a;
  for (long i = 0; i < 2; ++i) {
    «long y = x + i;
    x = stop(y);»
    note(x);
  }
  return x;""", "long y = x + i; { long x = y; y = stop(y) + x; }\n    x = y;", noted="3 4 4", refused="several variables 'x'"),
]
