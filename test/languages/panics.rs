// Check that panics of Rust unwind through frames of every tier: destructors run, payloads arrive, catch_unwind goes on.
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

thread_local!(static LOG: RefCell<Vec<String>> = RefCell::new(Vec::new()));

struct Noisy(u32);
impl Drop for Noisy {
    fn drop(&mut self) {
        LOG.with(|log| log.borrow_mut().push(format!("-{}{}", self.0, if std::thread::panicking() { "!" } else { "" })));
    }
}

fn deep(depth: u32, fail_at: u32) -> u64 {
    let noisy = Noisy(depth);
    if depth == fail_at { panic!("at {}", depth); }
    if depth == 0 { return noisy.0 as u64 + 1; }
    let below = deep(depth - 1, fail_at);
    below.wrapping_mul(31).wrapping_add(noisy.0 as u64)
}

fn checked(values: &[i32], index: usize, divisor: i32) -> i32 { values[index] / divisor }

#[derive(Debug)]
struct Payload { code: i64, text: String }

fn nested(n: u32) -> Result<u32, String> {
    let outcome = panic::catch_unwind(|| {
        if n % 3 == 0 { panic::panic_any(Payload { code: n as i64 * 1000, text: "three".into() }); }
        if n % 3 == 1 { let _guard = Noisy(100 + n); return nested(n / 3).unwrap_or(1); }
        n * 2
    });
    match outcome {
        Ok(value) => Ok(value),
        Err(error) => match error.downcast::<Payload>() {
            Ok(payload) => Err(format!("{:?}", payload)),
            Err(_) => Err("other".into()),
        },
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    for fail_at in [99, 0, 3, 7, 10] {
        let outcome = panic::catch_unwind(|| deep(10, fail_at));
        let text = match outcome {
            Ok(value) => value.to_string(),
            Err(error) => error.downcast_ref::<String>().cloned().unwrap_or_default(),
        };
        LOG.with(|log| println!("{} {}: {}", fail_at, text, log.borrow_mut().drain(..).collect::<Vec<_>>().join(" ")));
    }
    let values = vec![7, 8, 9];
    for (index, divisor) in [(0, 2), (3, 1), (1, 0), (2, 3)] {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| checked(&values, index, divisor)));
        println!("{:?}", outcome.map_err(|e| e.downcast_ref::<String>().cloned().or(e.downcast_ref::<&str>().map(|s| s.to_string()))));
    }
    for n in 0..30 { println!("{:?}", nested(n)); }
    let mut caught = 0;
    for round in 0..300u32 {
        let outcome = panic::catch_unwind(|| { let _a = Noisy(1); if round % 4 == 0 { deep(5, round % 6) } else { 5 } });
        caught += outcome.is_err() as u32;
    }
    LOG.with(|log| println!("{} caught, {} dropped", caught, log.borrow().len()));
}
