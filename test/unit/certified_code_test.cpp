// Checks that code which keeps nothing but what its records name gets a certificate for each site, whatever it looks like.
#include "baseline_code.h"

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *wide_phi = R"(
      declare void @ext()
      define void @f(ptr %in, ptr %out, ELEMENT %x, i32 %n) {
      entry:
        br label %outer
      outer:
        %o = phi i32 [ 0, %entry ], [ %onext, %inner_done ]
        call void @ext()
        %first = insertelement TYPE poison, ELEMENT %x, i32 LAST
        br label %inner
      inner:
        %i = phi i32 [ 0, %outer ], [ %next, %inner ]
        %recur = phi TYPE [ %first, %outer ], [ %now, %inner ]
        %place = getelementptr TYPE, ptr %in, i32 %i
        %now = load TYPE, ptr %place, align 4
        %mixed = shufflevector TYPE %recur, TYPE %now, <2 x i32> <i32 LAST, i32 COUNT>
        %target = getelementptr <2 x ELEMENT>, ptr %out, i32 %i
        store <2 x ELEMENT> %mixed, ptr %target, align 4
        %next = add i32 %i, 1
        %end = icmp eq i32 %next, %n
        br i1 %end, label %inner_done, label %inner
      inner_done:
        %onext = add i32 %o, 1
        %oend = icmp eq i32 %onext, %n
        br i1 %oend, label %done, label %outer
      done:
        ret void
      })";

/// Of a phi of this vector type only the last element is defined when the loop begins.
std::string with_wide_phi(StringRef type) {
  std::string source = wide_phi;
  auto replace = [&](StringRef from, const std::string &to) {
    for (std::size_t at; (at = source.find(from.str())) != std::string::npos;)
      source.replace(at, from.size(), to);
  };
  StringRef element = type.drop_back().split(" x ").second;
  unsigned count = 0;
  REQUIRE_FALSE(type.drop_front().split(' ').first.getAsInteger(10, count));
  replace("TYPE", type.str());
  replace("ELEMENT", element.str());
  replace("LAST", std::to_string(count - 1));
  replace("COUNT", std::to_string(count));
  return source;
}

} // namespace

TEST_CASE("Check that undamaged baseline code has a certificate for each site", "[certificate]") {
  BaselineCode code;
  CHECK(code.emit().not_certified.empty());
}

TEST_CASE("Check that room which the code generator takes within a block holds nothing elsewhere", "[certificate]") {
  BaselineCode code(R"(
    declare double @ext(double)
    declare { double, double } @llvm.modf.f64(double)
    declare { double, i32 } @llvm.frexp.f64.i32(double)
    declare { double, double } @llvm.sincos.f64(double)
    define double @f(double %x, i32 %n) {
    entry:
      br label %loop
    loop:
      %i = phi i32 [ 0, %entry ], [ %next, %loop ]
      %sum = phi double [ 0.0, %entry ], [ %more, %loop ]
      %a = call double @ext(double %sum)
      %parts = call { double, double } @llvm.modf.f64(double %a)
      %whole = extractvalue { double, double } %parts, 1
      %b = call double @ext(double %whole)
      %scaled = call { double, i32 } @llvm.frexp.f64.i32(double %b)
      %exponent = extractvalue { double, i32 } %scaled, 1
      %real = sitofp i32 %exponent to double
      %both = call { double, double } @llvm.sincos.f64(double %b)
      %cosine = extractvalue { double, double } %both, 1
      %c = fadd double %real, %cosine
      %more = fadd double %c, %x
      %next = add i32 %i, 1
      %end = icmp eq i32 %next, %n
      br i1 %end, label %done, label %loop
    done:
      ret double %more
    })");
  CHECK(code.emit().not_certified == Reasons{});
}

TEST_CASE("Check that undefined parts of wide phis are no values that live from the beginning on", "[certificate]") {
  for (const char *type : {"<16 x i32>", "<8 x double>", "<24 x i16>"}) {
    INFO(type);
    BaselineCode code(with_wide_phi(type).c_str());
    CHECK(code.emit().not_certified == Reasons{});
  }
}

TEST_CASE("Check that the rest of a slot behind a value of odd size is nothing that lives", "[certificate]") {
  for (const char *type :
       {"<3 x float>", "<3 x i32>", "<5 x i16>", "<7 x i8>", "<5 x i1>", "<9 x i1>", "<64 x i1>", "i93", "i200", "i256",
        "i512", "<6 x double>", "<17 x i32>", "<33 x i8>", "<2 x i128>", "x86_fp80"}) {
    std::string source = R"(
      declare void @ext()
      define void @f(ptr %p, i32 %n) {
      entry:
        call void @ext()
        %first = load TYPE, ptr %p
        br label %loop
      loop:
        %i = phi i32 [ 0, %entry ], [ %next, %loop ]
        %value = phi TYPE [ %first, %entry ], [ %new, %loop ]
        call void @ext()
        %other = load TYPE, ptr %p
        call void @ext()
        %even = trunc i32 %i to i1
        %new = select i1 %even, TYPE %value, TYPE %other
        %next = add i32 %i, 1
        %end = icmp eq i32 %next, %n
        br i1 %end, label %done, label %loop
      done:
        store TYPE %new, ptr %p
        ret void
      })";
    for (std::size_t at; (at = source.find("TYPE")) != std::string::npos;)
      source.replace(at, 4, type);
    INFO(type);
    BaselineCode code(source.c_str());
    CHECK(code.emit().not_certified == Reasons{});
  }
}
