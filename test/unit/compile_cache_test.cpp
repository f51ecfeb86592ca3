// Checks that runtimes find in a compile cache what others have made, in memory and in a file, and that nobody else's file is used.
#include "grow_fixture.h"

#include "osr/compile_cache.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

CompileCache::Key key(std::uint8_t number) { return {number}; }

bool has(MemoryCompileCache &cache, std::uint8_t number) { return cache.find(key(number)) != nullptr; }

/// A folder of its own, with one file in it.
class CacheFile {
public:
  CacheFile() {
    SmallString<128> folder;
    if (sys::fs::createUniqueDirectory("osr-cache", folder))
      throw std::runtime_error("no folder");
    folder_ = std::string(folder);
  }
  ~CacheFile() { (void)sys::fs::remove_directories(folder_); }

  std::string path() const { return folder_ + "/cache"; }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path(), std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string &text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::size_t files_beside() const {
    std::error_code error;
    std::size_t count = 0;
    for (sys::fs::directory_iterator entry(folder_, error), end; entry != end && !error; entry.increment(error))
      ++count;
    return count;
  }

private:
  std::string folder_;
};

const std::vector<std::string> modules = {recursion, "define i64 @host(i64 %x) { ret i64 %x }"};

/// What it made, and what of that it found.
struct Made {
  std::uint64_t count = 0, from_cache = 0;
};

Made run(const std::shared_ptr<CompileCache> &cache, Tier tier) {
  auto runtime = runtime_with(modules, {.tier = tier, .compile_cache = cache});
  REQUIRE(call(*runtime, "sum", 10) == 55);
  const Tier other = tier == Tier::Baseline ? Tier::Optimized : Tier::Baseline;
  cantFail(runtime->replace("sum", {.to = other}));
  REQUIRE(call(*runtime, "sum", 10) == 55);
  Made made;
  const Statistics statistics = runtime->snapshot().value();
  for (const auto &[kind, counts] : statistics.compile) {
    made.count += counts.count;
    made.from_cache += counts.from_cache;
  }
  cantFail(Runtime::close(runtime));
  return made;
}

} // namespace

TEST_CASE("What one runtime has compiled the next one does not compile again") {
  const auto cache = std::make_shared<MemoryCompileCache>();
  for (const Tier tier : {Tier::Baseline, Tier::Optimized}) {
    const Made first = run(cache, tier), second = run(cache, tier);
    CHECK(first.count >= 2);
    CHECK(second.count == first.count);
    CHECK(second.from_cache == second.count);
  }
  CHECK(cache->counts().found > 0);
  CHECK(cache->counts().entries > 0);
}

TEST_CASE("A cache is left in a file for the next process") {
  const CacheFile file;
  {
    const auto cache = std::make_shared<MemoryCompileCache>();
    cantFail(cache->load(file.path())); // there is none yet
    run(cache, Tier::Optimized);
    cantFail(cache->save(file.path()));
  }
  const auto cache = std::make_shared<MemoryCompileCache>();
  cantFail(cache->load(file.path()));
  const Made again = run(cache, Tier::Optimized);
  CHECK(again.from_cache == again.count);
  CHECK(cache->counts().missing == 0);
  struct stat status = {};
  REQUIRE(::stat(file.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(file.files_beside() == 1);
}

TEST_CASE("A cache that holds more than it may forgets what was not used for longest") {
  MemoryCompileCache cache(1000);
  const std::string bytes(100, 'x');
  for (std::uint8_t i = 0; i < 10; ++i)
    cache.put(key(i), bytes);
  CHECK(cache.counts().bytes == 1000);
  REQUIRE(has(cache, 0));
  cache.put(key(10), bytes);
  CHECK(cache.counts().bytes <= 750);
  CHECK(has(cache, 0));
  CHECK(has(cache, 10));
  CHECK_FALSE(has(cache, 1));
  cache.put(key(0), "less");
  CHECK(cache.find(key(0))->getBuffer() == "less");
  cache.put(key(20), std::string(2000, 'x')); // more than fits: it is not kept, and neither is anything else
  CHECK(cache.counts().bytes == 0);
}

TEST_CASE("Of a file that is damaged anywhere nothing is used") {
  const CacheFile file;
  MemoryCompileCache cache;
  cache.put(key(1), "one thing");
  cache.put(key(2), "another");
  cantFail(cache.save(file.path()));
  const std::string whole = file.text();
  const auto loaded = [&] {
    MemoryCompileCache read;
    const bool is_fine = !errorToBool(read.load(file.path()));
    return std::pair(is_fine, read.counts().entries);
  };
  REQUIRE(loaded() == std::pair(true, std::size_t(2)));
  constexpr std::size_t magic = 8, beginning = 40, entry_key = 32;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    file.write(whole.substr(0, cut));
    const bool is_whole = cut == 0 || (cut >= magic && cut < beginning) ||
                          cut == beginning || // of another build; without entries
                          cut == whole.size() - std::string("another").size() - entry_key - 16;
    CHECK(loaded() == std::pair(is_whole, std::size_t(is_whole && cut > beginning ? 1 : 0)));
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] ^= 1;
    file.write(wrong);
    const auto [is_fine, entries] = loaded();
    const bool in_first_key = at - beginning < entry_key;
    const bool in_second_key = at - (whole.size() - 7 - 16 - entry_key) < entry_key;
    INFO(at);
    CHECK(is_fine ==
          ((at >= magic && at < beginning) || in_first_key || in_second_key)); // of another build; another key
    CHECK(entries == (in_first_key || in_second_key ? 2u : 0u));
  }
  file.write("no cache at all");
  CHECK_THAT(toString(MemoryCompileCache().load(file.path())), Contains("is no compile cache"));
}

TEST_CASE("A file that somebody else may have written, a link and a folder are not read") {
  const CacheFile file;
  MemoryCompileCache cache;
  cache.put(key(1), "one thing");
  cantFail(cache.save(file.path()));
  REQUIRE(::chmod(file.path().c_str(), 0620) == 0);
  CHECK_THAT(toString(MemoryCompileCache().load(file.path())), Contains("others may write"));
  REQUIRE(::chmod(file.path().c_str(), 0600) == 0);
  const std::string link = file.path() + ".link";
  REQUIRE_FALSE(sys::fs::create_link(file.path(), link));
  CHECK_THAT(toString(MemoryCompileCache().load(link)), Contains("it is a link"));
  CHECK_THAT(toString(MemoryCompileCache().load(sys::path::parent_path(file.path()).str())), Contains("is no file"));
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.path().c_str(), 65534, 65534) == 0);
    CHECK_THAT(toString(MemoryCompileCache().load(file.path())), Contains("belongs to user 65534"));
  }
}

TEST_CASE("What is no compile cache of this user's is not replaced") {
  const CacheFile file;
  MemoryCompileCache cache;
  cache.put(key(1), "one thing");
  file.write("somebody's letters");
  CHECK_THAT(toString(cache.save(file.path())), Contains("is no compile cache, and stays as it is"));
  CHECK(file.text() == "somebody's letters");
  const std::string link = file.path() + ".link", folder = file.path() + ".folder";
  REQUIRE_FALSE(sys::fs::create_link(file.path() + ".nothing", link));
  CHECK_THAT(toString(cache.save(link)), Contains("it is a link"));
  REQUIRE_FALSE(sys::fs::create_directory(folder));
  CHECK_THAT(toString(cache.save(folder)), Contains("is no file"));
  if (::geteuid() == 0) {
    file.write("osrcache");
    REQUIRE(::chown(file.path().c_str(), 65534, 65534) == 0);
    CHECK_THAT(toString(cache.save(file.path())), Contains("belongs to user 65534"));
  }
  CHECK(file.files_beside() == 3);
}

TEST_CASE("A cache that cannot be written says so, and is written the next time") {
  const CacheFile file;
  MemoryCompileCache cache;
  cantFail(cache.save(file.path())); // nothing to write
  CHECK(file.files_beside() == 0);
  cache.put(key(1), "one thing");
  CHECK_THAT(toString(cache.save(file.path() + "/below")), Contains("cannot write"));
  cantFail(cache.save(file.path()));
  CHECK(file.files_beside() == 1);
}

} // namespace osr
