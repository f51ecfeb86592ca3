// Mutexes whose use is checked when the project is compiled with clang (-Wthread-safety): what a mutex guards says so, and
// who touches it without the mutex does not compile. https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#ifdef __clang__
#define OSR_THREADS(annotation) __attribute__((annotation))
#else
#define OSR_THREADS(annotation)
#endif

#define OSR_CAPABILITY(name) OSR_THREADS(capability(name))
#define OSR_SCOPED_CAPABILITY OSR_THREADS(scoped_lockable)
/// Of a member: only with that mutex.
#define OSR_GUARDED_BY(mutex) OSR_THREADS(guarded_by(mutex))
/// The same of what it points to.
#define OSR_PT_GUARDED_BY(mutex) OSR_THREADS(pt_guarded_by(mutex))
/// Of a function: whoever calls it has locked these.
#define OSR_REQUIRES(...) OSR_THREADS(requires_capability(__VA_ARGS__))
/// Whoever calls it has not, since it does.
#define OSR_EXCLUDES(...) OSR_THREADS(locks_excluded(__VA_ARGS__))
#define OSR_ACQUIRE(...) OSR_THREADS(acquire_capability(__VA_ARGS__))
#define OSR_RELEASE(...) OSR_THREADS(release_capability(__VA_ARGS__))
#define OSR_ACQUIRE_SHARED(...) OSR_THREADS(acquire_shared_capability(__VA_ARGS__))
#define OSR_RELEASE_SHARED(...) OSR_THREADS(release_shared_capability(__VA_ARGS__))
#define OSR_RELEASE_ANY(...) OSR_THREADS(release_generic_capability(__VA_ARGS__))
#define OSR_TRY_ACQUIRE(...) OSR_THREADS(try_acquire_capability(__VA_ARGS__))
/// It returns a reference to that mutex.
#define OSR_RETURNS_MUTEX(mutex) OSR_THREADS(lock_returned(mutex))
/// For what the analysis cannot follow; a comment says why.
#define OSR_UNCHECKED_LOCKS OSR_THREADS(no_thread_safety_analysis)

namespace osr {

class OSR_CAPABILITY("mutex") Mutex {
public:
  Mutex() = default;
  Mutex(const Mutex &) = delete;
  Mutex &operator=(const Mutex &) = delete;

  void lock() OSR_ACQUIRE() { mutex_.lock(); }
  void unlock() OSR_RELEASE() { mutex_.unlock(); }
  bool try_lock() OSR_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

private:
  friend class Condition;
  std::mutex mutex_;
};

/// Says of a lock that those who wait now go first (TurnMutex).
struct AfterWaiting {};
inline constexpr AfterWaiting after_waiting;

/// Says of a lock that the mutex is locked already, and is given to it.
struct AlreadyLocked {};
inline constexpr AlreadyLocked already_locked;

/// Holds a mutex (Mutex, TurnMutex) as long as it exists, but for the time between unlock() and lock().
template <typename Mutual> class OSR_SCOPED_CAPABILITY Lock {
public:
  explicit Lock(Mutual &mutex) OSR_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  Lock(Mutual &mutex, AfterWaiting) OSR_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock_after_waiting(); }
  Lock(Mutual &mutex, AlreadyLocked) OSR_REQUIRES(mutex) : mutex_(mutex) {}
  ~Lock() OSR_RELEASE() {
    if (is_locked_)
      mutex_.unlock();
  }
  Lock(const Lock &) = delete;
  Lock &operator=(const Lock &) = delete;

  void unlock() OSR_RELEASE() {
    mutex_.unlock();
    is_locked_ = false;
  }
  void lock() OSR_ACQUIRE() {
    mutex_.lock();
    is_locked_ = true;
  }
  void lock(AfterWaiting) OSR_ACQUIRE() {
    mutex_.lock_after_waiting();
    is_locked_ = true;
  }

private:
  friend class Condition;
  Mutual &mutex_;
  bool is_locked_ = true;
};

/// One of many that hold the same at a time (CompileGate).
template <typename Mutual> class OSR_SCOPED_CAPABILITY SharedLock {
public:
  explicit SharedLock(Mutual &mutex) OSR_ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~SharedLock() OSR_RELEASE_ANY() { mutex_.unlock_shared(); }
  SharedLock(const SharedLock &) = delete;
  SharedLock &operator=(const SharedLock &) = delete;

private:
  Mutual &mutex_;
};

/// A condition that changes under a mutex. Waiting may end without a reason: `while (!is_so) changed.wait(lock);`.
class Condition {
public:
  using Time = std::chrono::steady_clock::time_point;

  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }
  void wait(Lock<Mutex> &lock) {
    Adopted adopted(lock);
    changed_.wait(adopted.lock);
  }
  /// False: the time is over.
  bool wait_until(Lock<Mutex> &lock, Time end) {
    Adopted adopted(lock);
    return changed_.wait_until(adopted.lock, end) == std::cv_status::no_timeout;
  }

private:
  struct Adopted {
    explicit Adopted(Lock<Mutex> &held) : lock(held.mutex_.mutex_, std::adopt_lock) {}
    ~Adopted() { lock.release(); }
    std::unique_lock<std::mutex> lock;
  };
  std::condition_variable changed_;
};

} // namespace osr
