// Unwind rows: decoded from real code and compared with LLVM's reader byte by byte; tables by hand; malformed input.
#include "runtime/code/eh_frame_builder.h"
#include "test/support/catch_header.h"
#include "test/unit/mini_jit.h"

#include <random>

using namespace osr;

namespace {

std::string message(llvm::Error error) { return llvm::toString(std::move(error)); }

/// Functions with few and many saved registers, with and without frame pointer, with a dynamic frame, with calls that
/// push arguments, with several exits.
constexpr const char *functions = R"(
declare i64 @ext(i64)
declare void @many(i64, i64, i64, i64, i64, i64, i64, i64, i64)
define i64 @leaf(i64 %x) #0 {
  %y = mul i64 %x, 3
  ret i64 %y
}
define i64 @pressure(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f) #0 {
  %early = icmp eq i64 %a, 0
  br i1 %early, label %out, label %go
out:
  ret i64 %b
go:
  %r1 = call i64 @ext(i64 %a)
  %r2 = call i64 @ext(i64 %b)
  %r3 = call i64 @ext(i64 %r1)
  %s1 = add i64 %a, %b
  %s2 = xor i64 %s1, %c
  %s3 = add i64 %s2, %d
  %s4 = xor i64 %s3, %e
  %s5 = add i64 %s4, %f
  %s6 = add i64 %s5, %r1
  %s7 = xor i64 %s6, %r2
  %s8 = add i64 %s7, %r3
  ret i64 %s8
}
define i64 @pushes(i64 %x) minsize optsize #0 {
  call void @many(i64 %x, i64 2, i64 3, i64 4, i64 5, i64 6, i64 %x, i64 8, i64 9)
  call void @many(i64 %x, i64 2, i64 3, i64 4, i64 5, i64 6, i64 1, i64 %x, i64 9)
  ret i64 %x
}
define i64 @dynamic(i64 %n) #0 {
  %p = alloca i8, i64 %n
  %i = ptrtoint ptr %p to i64
  %r = call i64 @ext(i64 %i)
  %s = add i64 %r, %n
  ret i64 %s
}
)";

std::string program(const std::string &frame_pointer) {
  return functions + ("attributes #0 = { noinline uwtable \"frame-pointer\"=\"" + frame_pointer + "\" }\n");
}

std::unique_ptr<test::MiniJit> compile(const std::string &frame_pointer) {
  auto jit = std::make_unique<test::MiniJit>();
  static auto ext = +[](std::int64_t x) { return x; };
  jit->define("ext", reinterpret_cast<void *>(ext));
  jit->define("many", reinterpret_cast<void *>(ext));
  jit->add_ir(program(frame_pointer));
  jit->address("leaf");
  REQUIRE(jit->objects().size() == 1);
  return jit;
}

} // namespace

TEST_CASE("rows of compiled code equal LLVM's own reading at every byte") {
  for (const char *frame_pointer : {"none", "all"}) {
    const auto jit = compile(frame_pointer);
    const test::JitCode &code = *jit->objects()[0];
    const std::vector<std::string> expected = test::rows_by_llvm(code);
    std::size_t described = 0;
    for (std::size_t offset = 0; offset < expected.size(); ++offset) {
      const bool in_stubs = code.begin + offset >= code.got_stubs_begin && code.begin + offset < code.got_stubs_end;
      const UnwindRow *row = code.rows.find(offset);
      INFO("frame pointer " << frame_pointer << ", offset " << offset << "\n" << code.rows.dump());
      CHECK((row ? to_string(*row) : "") == (in_stubs ? "rsp+8" : expected[offset]));
      described += !expected[offset].empty();
    }
    CHECK(described > 200);
    CHECK(code.rows.bytes() > 0);
    CHECK(code.rows.find(expected.size()) == nullptr);
  }
}

TEST_CASE("the frame pointer decides the base of the CFA") {
  const auto with = compile("all"), without = compile("none");
  CHECK(with->objects()[0]->rows.dump().find("rbp+16 rbx=[") != std::string::npos);
  CHECK(without->objects()[0]->rows.dump().find("rsp+56 rbx=[") != std::string::npos); // six registers pushed
}

TEST_CASE("a table of ranges finds the row for the exact offset") {
  UnwindRow pushed;
  pushed.cfa_offset = 16;
  const UnwindRange ranges[] = {{0x20, 0x10, pushed}, {0x10, 0x10, UnwindRow::leaf()}, {0x40, 4, pushed}};
  const auto rows = llvm::cantFail(UnwindRows::from_ranges(ranges));
  CHECK(rows.find(0xf) == nullptr);
  CHECK(rows.find(0x10)->cfa_offset == 8);
  CHECK(rows.find(0x1f)->cfa_offset == 8);
  CHECK(rows.find(0x20)->cfa_offset == 16);
  CHECK(rows.find(0x2f)->cfa_offset == 16);
  CHECK(rows.find(0x30) == nullptr);
  CHECK(rows.find(0x43)->cfa_offset == 16);
  CHECK(rows.find(0x44) == nullptr);
  CHECK(rows.find(~0ull) == nullptr);
  CHECK(rows.find(0x20) == rows.find(0x43)); // each row is kept once
  CHECK(rows.dump() == "[0x10, 0x20) rsp+8\n[0x20, 0x30) rsp+16\n[0x40, 0x44) rsp+16\n");
  CHECK(UnwindRows().find(0) == nullptr);
}

TEST_CASE("overlapping ranges are refused") {
  const UnwindRange ranges[] = {{0, 8, UnwindRow::leaf()}, {7, 8, UnwindRow::leaf()}};
  auto rows = UnwindRows::from_ranges(ranges);
  REQUIRE_FALSE(bool(rows));
  CHECK(message(rows.takeError()).find("0x7 has two sets of unwind rules") != std::string::npos);
}

namespace {

/// A section with one CIE and one FDE for [0x1000, 0x1000+size) that runs `program`.
std::vector<std::uint8_t> section_with(std::vector<std::uint8_t> program, std::uint64_t size = 0x20) {
  std::vector<std::uint8_t> bytes = {0,    0, 0, 0,    0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0, // absptr
                                     0x0c, 7, 8, 0x90, 1, 0, 0};
  bytes[0] = std::uint8_t(bytes.size() - 4);
  const std::size_t fde = bytes.size();
  const auto append = [&bytes](std::uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      bytes.push_back(std::uint8_t(value >> 8 * i));
  };
  append(4 + 16 + 1 + program.size(), 4);
  append(fde + 4, 4);
  append(0x1000, 8);
  append(size, 8);
  append(0, 1);
  bytes.insert(bytes.end(), program.begin(), program.end());
  append(0, 4);
  return bytes;
}

llvm::Expected<UnwindRows> decode(const std::vector<std::uint8_t> &section) {
  return UnwindRows::from_eh_frame(section, 0x8000, 0x1000, 0x20);
}

} // namespace

TEST_CASE("rows that need expressions are marked, not guessed") {
  // advance 4; def_cfa_expression {lit1 lit1}; advance 4; def_cfa rsp+16; expression for rbx; advance 4; same_value rbx
  const auto rows = llvm::cantFail(decode(
      section_with({0x44, 0x0f, 2, 0x31, 0x31, 0x44, 0x0c, 7, 16, 0x10, 3, 1, 0x30, 0x44, 0x08, 3, 0x44, 0x07, 16})));
  CHECK(rows.dump() == "[0x0, 0x4) rsp+8\n[0x4, 0xc) unusable\n[0xc, 0x10) rsp+16\n[0x10, 0x20) unusable\n");
}

TEST_CASE("frames that gcc aligns have rows of their own") {
  // advance 4; rbp at {breg6 0}; advance 4; def_cfa_expression {breg6 -16; deref}; advance 4; rbx at {breg6 -8}; advance 4;
  // def_cfa_expression of another register; advance 4; def_cfa rsp+16
  const auto rows =
      llvm::cantFail(decode(section_with({0x44, 0x10, 6,    2,    0x76, 0, 0x44, 0x0f, 3, 0x76, 0x70, 6, 0x44, 0x10, 3,
                                          2,    0x76, 0x78, 0x44, 0x0f, 3, 0x73, 0x70, 6, 0x44, 0x0c, 7, 16})));
  CHECK(rows.dump() == "[0x0, 0x4) rsp+8\n[0x4, 0x8) unusable\n[0x8, 0xc) [rbp-16] rbp=[-16]\n"
                       "[0xc, 0x10) [rbp-16] rbx=[-24] rbp=[-16]\n[0x10, 0x20) unusable\n");
  CHECK_FALSE(rows.find(0x8)->usable);
  // def_cfa_expression {breg6 -16; deref; deref}, and one that is cut off
  CHECK(llvm::cantFail(decode(section_with({0x0f, 4, 0x76, 0x70, 6, 6}))).dump() == "[0x0, 0x20) unusable\n");
  CHECK(llvm::cantFail(decode(section_with({0x0f, 1, 0x76}))).dump() == "[0x0, 0x20) unusable\n");
}

TEST_CASE("frames that assembly aligns have rows of their own") {
  // advance 4; rbx at CFA-16; def_cfa_expression {breg7 64; deref; plus_uconst 8}; advance 4; the same without an addend; advance 4;
  // def_cfa rsp+16
  const auto rows = llvm::cantFail(decode(section_with(
      {0x44, 0x83, 2, 0x0f, 6, 0x77, 0xc0, 0, 6, 0x23, 8, 0x44, 0x0f, 4, 0x77, 0xc0, 0, 6, 0x44, 0x0c, 7, 16})));
  CHECK(rows.dump() ==
        "[0x0, 0x4) rsp+8\n[0x4, 0x8) [rsp+64]+8 by CFA rbx=[-16]\n[0x8, 0xc) [rsp+64] by CFA rbx=[-16]\n"
        "[0xc, 0x20) rsp+16 rbx=[-16]\n");
  CHECK_FALSE(rows.find(0x4)->usable);
  // def_cfa_expression {breg7 8; deref; plus_uconst 8; deref}, and an addend that is too large
  CHECK(llvm::cantFail(decode(section_with({0x0f, 6, 0x77, 8, 6, 0x23, 8, 6}))).dump() == "[0x0, 0x20) unusable\n");
  CHECK(llvm::cantFail(decode(section_with({0x0f, 7, 0x77, 8, 6, 0x23, 0xff, 0xff, 3}))).dump() ==
        "[0x0, 0x20) unusable\n");
}

TEST_CASE("remembered rules come back") {
  const auto rows =
      llvm::cantFail(decode(section_with({0x41, 0x0e, 16, 0x83, 2, 0x0a, 0x41, 0x0e, 8, 0xc3, 0x41, 0x0b})));
  CHECK(rows.dump() == "[0x0, 0x1) rsp+8\n[0x1, 0x2) rsp+16 rbx=[-16]\n"
                       "[0x2, 0x3) rsp+8\n[0x3, 0x20) rsp+16 rbx=[-16]\n");
}

TEST_CASE("malformed sections are refused with a reason") {
  const auto refused = [](const std::vector<std::uint8_t> &section, const char *reason) {
    auto rows = decode(section);
    REQUIRE_FALSE(bool(rows));
    const std::string text = message(rows.takeError());
    INFO(text);
    CHECK(text.find(reason) != std::string::npos);
  };
  refused(section_with({0x3f}), "malformed"); // unknown instruction
  refused(section_with({0x0b}), "malformed"); // nothing remembered
  refused(section_with({0x04, 0xff, 0xff, 0, 0}), "malformed"); // advances over the end
  refused(section_with({0x0e}), "malformed"); // operand missing
  refused(section_with({}, 0x21), "reaches over the end of the code");
  auto truncated = section_with({});
  truncated.resize(40);
  refused(truncated, "reaches over the end of the section");
}

TEST_CASE("built sections read back as the rows they were made of, also by LLVM") {
  UnwindRow site;
  site.base = CfaBase::FramePointer;
  site.cfa_offset = 16;
  site.saved = {-24, -16, 0, -32, 0, -4096};
  const UnwindRange ranges[] = {{0, 300, site}, {300, 5, UnwindRow::leaf()}, {305, 11, site}};
  for (const ExceptionHandling &handling : {ExceptionHandling{}, ExceptionHandling{0x1111, 0x2222}}) {
    test::JitCode code;
    code.begin = 0x7f0000001000;
    code.end = code.begin + 316;
    code.eh_frame_address = 0x8000; // anywhere: the pointers are absolute
    code.eh_frame = build_eh_frame(code.begin, ranges, handling);
    const auto rows = llvm::cantFail(UnwindRows::from_eh_frame(code.eh_frame, code.eh_frame_address, code.begin, 316));
    CHECK(rows.dump() == llvm::cantFail(UnwindRows::from_ranges(ranges)).dump());
    const std::vector<std::string> by_llvm = test::rows_by_llvm(code);
    for (std::size_t offset : {0, 299, 300, 304, 305, 315})
      CHECK(by_llvm[offset] == to_string(*rows.find(offset)));
  }
}

TEST_CASE("no mutation of a section is read out of bounds or accepted with a bad table") {
  const auto jit = compile("all");
  const test::JitCode &code = *jit->objects()[0];
  std::mt19937 random(1);
  unsigned refused = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    // A copy of exactly the right size, so that a sanitizer sees each read past the end.
    std::vector<std::uint8_t> bytes(code.eh_frame.begin(), code.eh_frame.end() - random() % 8);
    for (unsigned i = 0; i <= random() % 4; ++i)
      bytes[random() % bytes.size()] = std::uint8_t(random());
    auto rows = UnwindRows::from_eh_frame(bytes, code.eh_frame_address, code.begin, code.end - code.begin);
    if (!rows) {
      CHECK_FALSE(message(rows.takeError()).empty());
      ++refused;
      continue;
    }
    REQUIRE(rows->find(code.end - code.begin) == nullptr);
  }
  CHECK(refused > 1000);
  CHECK(refused < 20000);
}
