// SPDX-License-Identifier: MIT
// error.hpp, matrix.hpp, random.hpp, sha256.hpp, simd.hpp, build_info.hpp
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include "filmatlas/core/build_info.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/core/simd.hpp"
#include "filmatlas/core/version.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

TEST_CASE("Error: message says stage, what, where and remedy") {
    const Error error(ErrorCode::Format, ErrorContext{"read_npy", "v.npy", -1, "", 10}, "truncated header",
                      "write the file again");
    CHECK(std::string(error.what()) == "read_npy: truncated header [file v.npy, byte 10]; write the file again");
    CHECK(error.code() == ErrorCode::Format);
    const Error row(ErrorCode::Format, ErrorContext{"parse_jsonl", "f.jsonl", 7, "year", -1}, "not a number");
    CHECK(std::string(row.what()) == "parse_jsonl: not a number [file f.jsonl, line 7, column year]");
    CHECK(to_string(ErrorCode::Memory) == "memory");
}

TEST_CASE("to_text: shortest text that reads back equal") {
    CHECK(to_text(0.1) == "0.1");
    CHECK(to_text(1e300) == "1e+300");
    CHECK(to_text(std::nan("")) == "nan");
    CHECK(to_text(-INFINITY) == "-inf");
}

TEST_CASE("Matrix and MatrixView: row-major, strides") {
    Matrix<float> m(2, 3);
    m(1, 2) = 5;
    CHECK(m.row(1)[2] == 5);
    const MatrixView<const float> view = m.view();
    CHECK(view(1, 2) == 5);
    const MatrixView<const float> column(m.data() + 2, 2, 1, 3);
    CHECK(column(1, 0) == 5);
}

TEST_CASE("RandomStream: keyed by seed, stage and item; bounded; unbiased enough") {
    RandomStream a(42, "stage", 7);
    RandomStream b(42, "stage", 7);
    CHECK(a.next() == b.next());
    CHECK(RandomStream(42, "stage", 8).at(0) != RandomStream(42, "stage", 7).at(0));
    CHECK(RandomStream(43, "stage", 7).at(0) != RandomStream(42, "stage", 7).at(0));
    CHECK(RandomStream(42, "other", 7).at(0) != RandomStream(42, "stage", 7).at(0));
    RandomStream stream(1, "test");
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < 100000; ++i) {
        const double x = stream.normal();
        sum += x;
        squares += x * x;
    }
    CHECK(std::abs(sum / 100000) < 0.02);
    CHECK(std::abs(squares / 100000 - 1) < 0.03);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t x = stream.below(5);
        CHECK(x < 5);
        seen.insert(x);
    }
    CHECK(seen.size() == 5);
    CHECK(stream.below(1) == 0);
    for (int i = 0; i < 1000; ++i) {
        const float u = stream.uniform_float();
        CHECK((u >= 0.0F && u < 1.0F));
    }
}

TEST_CASE("Sha256: the standard's test vectors, in one piece and in many") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string million(1000000, 'a');
    CHECK(sha256_hex(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    Sha256 parts;
    for (std::size_t i = 0; i < million.size(); i += 997) parts.update(std::string_view(million).substr(i, 997));
    Sha256 whole;
    whole.update(million);
    CHECK(parts.digest() == whole.digest());
    CHECK(sha256_base64("abc") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    CHECK(base64("ab", 2) == "YWI=");
}

TEST_CASE("simd_level: the environment can lower it, never raise it, and nonsense is refused") {
    const SimdLevel usual = simd_level();
    const auto with = [](const char* word) {
        const ::testing::SimdLevelScope simd(word);
        return simd_level();
    };
    CHECK(with("baseline") == SimdLevel::Baseline);
    for (const char* word : ::testing::simd_words) CHECK(with(word) <= detected_simd_level());
    CHECK_THROWS_AS(with("sse9"), Error);
    CHECK(simd_level() == usual);
}

TEST_CASE("build_info: version and threads") {
    const BuildInfo info = build_info();
    CHECK(info.version == FILMATLAS_VERSION);
    CHECK(info.num_threads >= 1);
    CHECK_FALSE(info.compiler.empty());
}
