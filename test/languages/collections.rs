// Check that maps, sets, vectors, strings, iterators and trait objects of Rust give the same in every tier.
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::rc::Rc;

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String;
}
struct Square(f64);
struct Circle(f64);
impl Shape for Square {
    fn area(&self) -> f64 { self.0 * self.0 }
    fn name(&self) -> String { format!("square of {:.2}", self.0) }
}
impl Shape for Circle {
    fn area(&self) -> f64 { std::f64::consts::PI * self.0 * self.0 }
    fn name(&self) -> String { format!("circle of {:.2}", self.0) }
}

#[derive(Debug, Clone)]
enum Expression {
    Number(i64),
    Sum(Rc<Expression>, Rc<Expression>),
    Product(Rc<Expression>, Rc<Expression>),
}
use Expression::*;

fn build(depth: u32, seed: &mut u64) -> Rc<Expression> {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    let choice = *seed >> 60;
    if depth == 0 || choice < 3 { return Rc::new(Number((*seed >> 40) as i64 % 10)); }
    let (a, b) = (build(depth - 1, seed), build(depth - 1, seed));
    Rc::new(if choice % 2 == 0 { Sum(a, b) } else { Product(a, b) })
}

fn value(expression: &Expression) -> i64 {
    match expression {
        Number(n) => *n,
        Sum(a, b) => value(a).wrapping_add(value(b)),
        Product(a, b) => value(a).wrapping_mul(value(b)) % 1_000_003,
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Number(n) => write!(f, "{}", n),
            Sum(a, b) => write!(f, "({} + {})", a, b),
            Product(a, b) => write!(f, "{} * {}", a, b),
        }
    }
}

fn words() -> BTreeMap<String, usize> {
    let text = "the frame is left only through a return so who wants a frame replaced rewrites the return";
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace() { *counts.entry(word.to_uppercase()).or_insert(0) += 1; }
    counts
}

fn paths(side: usize) -> usize {
    let mut distance = vec![usize::MAX; side * side];
    let mut heap = BinaryHeap::new();
    distance[0] = 0;
    heap.push((std::cmp::Reverse(0usize), 0usize));
    while let Some((std::cmp::Reverse(so_far), at)) = heap.pop() {
        if so_far > distance[at] { continue; }
        let (x, y) = (at % side, at / side);
        let mut next = vec![];
        if x + 1 < side { next.push(at + 1); }
        if y + 1 < side { next.push(at + side); }
        if x > 0 { next.push(at - 1); }
        for to in next {
            let cost = so_far + 1 + (to * 7919) % 13;
            if cost < distance[to] { distance[to] = cost; heap.push((std::cmp::Reverse(cost), to)); }
        }
    }
    distance[side * side - 1]
}

fn main() {
    println!("{:?}", words());
    let shapes: Vec<Box<dyn Shape>> = (1..6).map(|i| -> Box<dyn Shape> {
        if i % 2 == 0 { Box::new(Square(i as f64)) } else { Box::new(Circle(i as f64)) }
    }).collect();
    for shape in &shapes { println!("{}: {:.4}", shape.name(), shape.area()); }
    let mut seed = 42;
    for _ in 0..8 {
        let expression = build(6, &mut seed);
        let text = expression.to_string();
        println!("{} {} {}", value(&expression), text.len(), &text[..text.len().min(40)]);
    }
    let mut squares: HashMap<u32, u64> = HashMap::new();
    for i in 0..500u32 { squares.insert(i * 37 % 501, (i as u64).pow(2)); }
    let set: BTreeSet<u64> = squares.values().filter(|v| *v % 3 == 1).cloned().collect();
    println!("{} {} {:?}", squares.len(), set.iter().sum::<u64>(), set.range(100..200).collect::<Vec<_>>());
    let mut queue: VecDeque<u32> = (0..50).collect();
    while queue.len() > 1 { let first = queue.pop_front().unwrap(); queue.rotate_left(2.min(queue.len())); if first % 5 == 0 { queue.push_back(first / 5 + 7); } }
    println!("{:?} {}", queue, paths(24));
    let wide: u128 = (1..=30u128).product();
    println!("{} {:x} {:?}", wide, wide >> 17, "grüße, мир".chars().rev().collect::<String>());
}
