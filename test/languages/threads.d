// Check that threads, messages, locks and thread-local variables of D work in every tier.
import core.atomic, core.sync.condition, core.sync.mutex, core.thread, core.time;
import std.concurrency, std.parallelism, std.range, std.stdio, std.algorithm;

int mine; // each thread's own
shared long total;
__gshared long[] table;

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

void worker(Tid owner, int id) {
  foreach (i; 0 .. 50) { mine += id; atomicOp!"+="(total, fib(i % 10)); }
  send(owner, id, mine);
}

class Queue {
  private Mutex lock; private Condition ready; private int[] items;
  this() { lock = new Mutex; ready = new Condition(lock); }
  void put(int item) { synchronized (lock) { items ~= item; ready.notify; } }
  int take() { synchronized (lock) { while (items.empty) ready.wait(50.msecs); int first = items[0]; items = items[1 .. $]; return first; } }
}

void main() {
  foreach (id; 1 .. 5) spawn(&worker, thisTid, id);
  int[] sums = new int[5];
  foreach (i; 0 .. 4) receive((int id, int sum) { sums[id] = sum; });
  writeln(sums, " ", atomicLoad(total), " ", mine);
  auto queue = new Queue;
  long result;
  auto consumer = new Thread({ foreach (i; 0 .. 60) result = result * 3 % 1_000_007 + queue.take; }).start;
  foreach (i; 0 .. 60) { queue.put(i * i % 97); if (i % 20 == 0) Thread.sleep(1.msecs); }
  consumer.join;
  writeln(result);
  table = new long[64];
  foreach (i, ref cell; parallel(table)) cell = fib(cast(int)(i % 14));
  writeln(table.sum, " ", taskPool.reduce!"a + b"(0L, iota(1000)));
  try { auto failed = new Thread({ if (fib(10) == 55) throw new Exception("thread"); }).start; failed.join; writeln("no"); }
  catch (Exception e) writeln("joined: ", e.msg);
}
