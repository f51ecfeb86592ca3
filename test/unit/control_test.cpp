// The control socket's lines, its table of methods, its folder, and that a host gets its descriptors and threads back.
#include "runtime/control/control.h"
#include "runtime/control/protocol.h"

#include <catch2/catch.hpp>
#include <llvm/Support/MemoryBuffer.h>

#include <fcntl.h>
#include <filesystem>
#include <map>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using nlohmann::json;
using namespace osr;

namespace {

RpcError problem_of(const std::string &line) {
  auto parsed = parse_request(line);
  if (const auto *bad = std::get_if<BadRequest>(&parsed))
    return bad->error;
  auto method = method_of(std::get<RpcRequest>(parsed), /*is_read_only=*/true);
  return std::holds_alternative<RpcError>(method) ? std::get<RpcError>(method) : RpcError{RpcCode(0), ""};
}

std::string request(const char *method, const json &parameters) {
  return json{{"jsonrpc", "2.0"}, {"id", "a"}, {"method", method}, {"params", parameters}}.dump();
}

using Words = std::set<std::string>;

/// Those between backticks.
Words quoted_words(llvm::StringRef text) {
  Words words;
  while (text.contains('`')) {
    const auto [word, rest] = text.split('`').second.split('`');
    words.insert(word.str());
    text = rest;
  }
  return words;
}

/// The table of methods in docs/control.md: what is named beside each.
std::map<std::string, Words> documented_parameters() {
  auto page = llvm::MemoryBuffer::getFile(OSR_CONTROL_PAGE);
  REQUIRE(page);
  llvm::StringRef table = (*page)->getBuffer().split("|---|---|---|\n").second.split("\n\n").first;
  std::map<std::string, Words> documented;
  llvm::SmallVector<llvm::StringRef, 32> rows;
  table.split(rows, '\n');
  for (llvm::StringRef row : rows) {
    llvm::SmallVector<llvm::StringRef, 5> cells;
    row.split(cells, '|');
    REQUIRE(cells.size() == 5);
    for (const std::string &method : quoted_words(cells[1]))
      documented[method] = quoted_words(cells[2]);
  }
  return documented;
}

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / ("osr-control-test-" + std::to_string(::getpid()));
  Folder() { REQUIRE(::mkdir(path.c_str(), 0700) == 0); }
  ~Folder() { std::filesystem::remove_all(path); }
};

int next_descriptor() {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(file);
  return file;
}

} // namespace

TEST_CASE("every method that a worker carries out has an answer") {
  for (const Method &method : methods())
    CHECK((answer_to(method) != nullptr) == (method.place == Place::Worker));
}

TEST_CASE("the page on the protocol has each method with its parameters, and no others") {
  const auto documented = documented_parameters();
  CHECK(documented.size() == methods().size());
  for (const Method &method : methods()) {
    INFO(method.name);
    const auto row = documented.find(method.name);
    REQUIRE(row != documented.end());
    for (const Parameter &parameter : method.parameters)
      CHECK(row->second.contains(parameter.name));
    CHECK(row->second.empty() == method.parameters.empty());
  }
}

TEST_CASE("a read-only server refuses what the table says changes something") {
  CHECK(problem_of(request("status", json::object())).code == RpcCode(0));
  CHECK(problem_of(request("replace", {{"function", "f"}, {"to", "baseline"}})).code == RpcCode::ReadOnly);
  CHECK(problem_of(request("reclaim", json::object())).code == RpcCode::ReadOnly);
}

TEST_CASE("what is no request is told apart") {
  CHECK(problem_of("").code == RpcCode::NoJson);
  CHECK(problem_of(std::string(deepest_nesting + 1, '[')).message.find("nested") != std::string::npos);
  CHECK(problem_of("{\"a\":\"" + std::string(100, '[') + "\"}").code ==
        RpcCode::NoRequest); // brackets in a text nest nothing
  CHECK(problem_of(R"({"jsonrpc":"2.0","id":null,"method":"status"})").code == RpcCode::NoRequest);
  CHECK(problem_of(request(std::string(1000, 'm').c_str(), json::object())).message.size() < 300);
  CHECK(problem_of(request("stack", {{"depth", 1.5}})).code == RpcCode::BadParameters);
  CHECK(problem_of(request("function", json::object())).message == "'function' needs a parameter 'function'");
}

TEST_CASE("answers are single lines whatever is in them") {
  const std::string line = result_line(7, {{"text", "two\nlines \xff"}});
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(json::parse(line)["id"] == 7);
}

TEST_CASE("names of sockets are read strictly") {
  CHECK(parse_socket_name("12-34") == SocketName{12, 34});
  for (const char *wrong :
       {"", "12", "12-", "-34", "0-1", "-1-2", "12-34-5", "012-34", "12-34 ", "+12-34", "99999999999-1"})
    CHECK_FALSE(parse_socket_name(wrong));
}

TEST_CASE("a folder is used only if it is its owner's alone") {
  Folder folder;
  const auto open = [&](const std::string &path, uid_t owner) {
    auto opened = SocketFolder::open(path, owner, SocketFolder::Use::Look);
    return opened ? std::string() : toString(opened.takeError());
  };
  CHECK(open(folder.path, ::getuid()).empty());
  CHECK(open(folder.path, ::getuid() + 1).find("belongs to user") != std::string::npos);
  CHECK(open(folder.path + "/none", ::getuid()).find("No such file") != std::string::npos);
  REQUIRE(::symlink(folder.path.c_str(), (folder.path + "/link").c_str()) == 0);
  CHECK_FALSE(open(folder.path + "/link", ::getuid()).empty());
  for (mode_t mode : {0750, 0701, 0777, 0500, 01700}) {
    REQUIRE(::chmod(folder.path.c_str(), mode) == 0);
    CHECK(open(folder.path, ::getuid()).find("mode") != std::string::npos);
  }
  REQUIRE(::chmod(folder.path.c_str(), 0700) == 0);
}

TEST_CASE("one name has one listener, and a dead one's is taken over") {
  Folder folder;
  auto opened = cantFail(SocketFolder::open(folder.path, ::getuid(), SocketFolder::Use::Create));
  const SocketName name{::getpid(), 1};
  {
    OwnedFile first = cantFail(opened.listen(name));
    CHECK(errorToBool(opened.listen(name).takeError()));
    CHECK(cantFail(peer_of(cantFail(opened.connect(name)).number())).process == ::getpid());
    opened.remove_stale(100); // somebody listens, whatever /proc says about the time
    CHECK(opened.list() == std::vector{name});
  }
  OwnedFile second = cantFail(opened.listen(name));
  second = OwnedFile();
  opened.remove_stale(0);
  CHECK(opened.list().size() == 1);
  opened.remove_stale(100);
  CHECK(opened.list().empty());
}

TEST_CASE("a server leaves nothing in the host's table, and ends while requests are under way") {
  Folder folder;
  auto handshake = cantFail(Handshake::create(process_threads(), {}));
  const int before = next_descriptor();
  std::atomic<bool> is_asked = false;
  ControlServer::Options options;
  options.answer = [&](const Call &call) -> llvm::Expected<json> {
    is_asked = true;
    while (!call.is_cancelled)
      std::this_thread::yield();
    return json("ended");
  };
  auto server = cantFail(ControlServer::start({folder.path + "/none/osr", folder.path}, options));
  CHECK(next_descriptor() == before);
  {
    auto opened = cantFail(SocketFolder::open(folder.path, ::getuid(), SocketFolder::Use::Look));
    REQUIRE(opened.list().size() == 1);
    OwnedFile client = cantFail(opened.connect(opened.list().front()));
    const std::string line = request("status", json::object()) + '\n';
    REQUIRE(::send(client.number(), line.data(), line.size(), 0) == ssize_t(line.size()));
    while (!is_asked)
      std::this_thread::yield();
    server.reset();
    CHECK(opened.list().empty());
  }
  CHECK(next_descriptor() == before);
  auto none = ControlServer::start({folder.path + "/none/osr"}, options);
  CHECK(toString(none.takeError()).find(folder.path + "/none/osr") != std::string::npos);
}
