// Check that threads, channels, locks and atomics of Rust work in every tier, and that a thread's panic reaches who joins.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

fn collatz(mut n: u64) -> u64 {
    let mut steps = 0;
    while n != 1 { n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 }; steps += 1; }
    steps
}

fn fib(n: u32) -> u64 { if n < 2 { n as u64 } else { fib(n - 1) + fib(n - 2) } }

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let total = Arc::new(AtomicU64::new(0));
    let (send, receive) = mpsc::channel();
    let workers: Vec<_> = (0..4u64).map(|id| {
        let (total, send) = (total.clone(), send.clone());
        thread::spawn(move || {
            for n in (id + 1..800).step_by(4) {
                let steps = collatz(n);
                total.fetch_add(steps, Ordering::Relaxed);
                if n % 100 == 1 { send.send((n, steps)).unwrap(); }
            }
            fib(12 + id as u32)
        })
    }).collect();
    drop(send);
    let mut messages: Vec<_> = receive.iter().collect();
    messages.sort();
    println!("{:?}", messages);
    println!("{:?} {}", workers.into_iter().map(|w| w.join().unwrap()).collect::<Vec<_>>(), total.load(Ordering::Relaxed));

    let shared = Arc::new((Mutex::new(Vec::<u32>::new()), Condvar::new()));
    let consumer = { let shared = shared.clone(); thread::spawn(move || {
        let mut sum = 0u64;
        for _ in 0..100 {
            let mut queue = shared.0.lock().unwrap();
            while queue.is_empty() { queue = shared.1.wait_timeout(queue, Duration::from_millis(50)).unwrap().0; }
            sum = sum * 3 % 1_000_007 + queue.remove(0) as u64;
        }
        sum
    }) };
    for i in 0..100 { shared.0.lock().unwrap().push(i * i % 97); shared.1.notify_one(); if i % 25 == 0 { thread::sleep(Duration::from_millis(1)); } }
    println!("{}", consumer.join().unwrap());

    let barrier = Arc::new(Barrier::new(3));
    let table = Arc::new(RwLock::new(vec![0u64; 3]));
    let all: Vec<_> = (0..3usize).map(|id| { let (barrier, table) = (barrier.clone(), table.clone()); thread::spawn(move || {
        for round in 0..10u64 {
            table.write().unwrap()[id] += round * (id as u64 + 1) + fib(8);
            barrier.wait();
            let sum: u64 = table.read().unwrap().iter().sum();
            barrier.wait();
            if sum % (round + 1) > 1000 { panic!("impossible"); }
        }
    }) }).collect();
    for one in all { one.join().unwrap(); }
    println!("{:?}", table.read().unwrap());
    let failed = thread::spawn(|| { let n = fib(10); if n == 55 { panic!("thread of {}", n); } n }).join();
    println!("{:?}", failed.unwrap_err().downcast_ref::<String>());
    thread::scope(|scope| { let text = String::from("scoped"); scope.spawn(move || println!("{} {}", text, collatz(27))).join().unwrap(); });
}
