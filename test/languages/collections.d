// Check that arrays, associative arrays, strings, ranges, templates, classes and interfaces of D give the same in every tier.
import std.algorithm, std.array, std.container.rbtree, std.conv, std.range, std.stdio, std.string;

interface Shape { double area() const; string name() const; }
class Square : Shape {
  double side; this(double s) { side = s; }
  double area() const { return side * side; }
  string name() const { return format("square %.2f", side); }
}
class Circle : Shape {
  double radius; this(double r) { radius = r; }
  double area() const { return 3.0 * radius * radius; }
  string name() const { return format("circle %.2f", radius); }
}

class Node { int key; Node left, right; this(int k) { key = k; } }
Node insert(Node tree, int key) {
  if (tree is null) return new Node(key);
  if (key < tree.key) tree.left = insert(tree.left, key); else if (key > tree.key) tree.right = insert(tree.right, key);
  return tree;
}
int depth(Node tree) { return tree is null ? 0 : 1 + max(depth(tree.left), depth(tree.right)); }
void visit(Node tree, scope void delegate(int) act) { if (tree) { visit(tree.left, act); act(tree.key); visit(tree.right, act); } }

T power(T)(T base, uint exponent) { return exponent == 0 ? 1 : exponent % 2 ? base * power(base, exponent - 1) : power(base * base, exponent / 2); }

void main() {
  int[string] counts;
  foreach (word; "the frame is left only through a return so who wants a frame replaced rewrites the return".split)
    ++counts[word.toUpper];
  foreach (word; counts.keys.sort) writef("%s=%d ", word, counts[word]);
  writeln;
  Shape[] shapes;
  foreach (i; 1 .. 6) shapes ~= i % 2 ? cast(Shape) new Circle(i) : new Square(i);
  foreach (shape; shapes) writefln("%s: %.3f", shape.name, shape.area);
  Node tree;
  uint seed = 7;
  foreach (i; 0 .. 400) { seed = seed * 1664525 + 1013904223; tree = insert(tree, seed >> 22); }
  long sum; int count;
  visit(tree, (key) { sum = sum * 31 % 1000003 + key; ++count; });
  writeln(depth(tree), " ", count, " ", sum);
  writeln(iota(1, 200).filter!(n => n % 7 == 3).map!(n => n * n).take(12).array, " ", power(3L, 20), " ", power(1.5, 9));
  auto sorted = redBlackTree(5, 3, 9, 1, 7);
  sorted.insert(4);
  writeln(sorted[].map!(to!string).join("-"));
  string text = "grüße, мир";
  writeln(text.retro.to!string, " ", text.length, " ", text.walkLength, " ", text.replace("ü", "ue"));
  int[][] grid = new int[][](12, 12);
  foreach (y, row; grid) foreach (x, ref cell; row) cell = cast(int)(x * y) % 7;
  writeln(grid.map!(row => row.sum).array, " ", grid.joiner.maxElement);
  string[] parts;
  foreach (i; 0 .. 40) parts ~= i.to!string(2).rightJustify(6, '0');
  writeln(parts.sort!((a, b) => a.retro.cmp(b.retro) < 0).take(8).join(","));
}
