// Check that exceptions of D pass frames of every tier: scope guards, finally, destructors, chains, errors of ranges.
import std.conv, std.exception, std.stdio, std.string;

class Failed : Exception { int code; this(int c, string text) { super(text); code = c; } }
struct Noisy { int id; static int gone; ~this() { gone = (gone * 31 + id) % 1000003; } }

int deep(int depth, int failAt) {
  auto noisy = Noisy(depth + 1);
  scope (failure) Noisy.gone += 5;
  scope (exit) Noisy.gone ^= 3;
  if (depth == failAt) throw new Failed(depth, format("at %d", depth));
  return depth == 0 ? 1 : deep(depth - 1, failAt) * 3 % 1009 + depth;
}

int chained(int n) {
  try {
    try { enforce(n % 2 == 0, "odd"); return n; }
    finally { if (n % 3 == 1) throw new Failed(n, "from finally"); }
  } catch (Failed e) { return e.code * 100 + (e.next ? 7 : 0); }
}

int parse(string text) { try return text.to!int; catch (ConvException) return -1; }

int nested(int n) {
  if (n == 0) throw new Failed(n, "bottom");
  try return nested(n - 1);
  catch (Failed e) { if (n % 4) throw new Failed(e.code + n, e.msg ~ "."); return e.code; }
}

void main() {
  foreach (failAt; [99, 0, 3, 8]) {
    try writeln("value ", deep(8, failAt));
    catch (Failed e) writeln("caught ", e.code, " ", e.msg);
    writeln(Noisy.gone);
  }
  foreach (n; 0 .. 12) {
    try writeln(chained(n));
    catch (Exception e) writeln("exception ", e.msg);
  }
  writeln(parse("12"), " ", parse("x"), " ", parse("99999999999"));
  foreach (n; 1 .. 9) {
    try writeln(nested(n));
    catch (Failed e) writeln(e.code, " ", e.msg);
  }
  int caught;
  foreach (round; 0 .. 300) {
    try deep(6, round % 9);
    catch (Failed) ++caught;
    if (round % 50 == 0) try { int[] a = [1, 2]; a[round % 3 + 1] = collectExceptionMsg(deep(3, 2)).length > 0; } catch (Throwable t) caught += 1000;
  }
  writeln(caught, " ", Noisy.gone);
}
