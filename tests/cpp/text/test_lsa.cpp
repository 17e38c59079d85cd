// SPDX-License-Identifier: MIT
#include "filmatlas/text/lsa.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "text/digest.hpp"

using namespace filmatlas;

namespace {

/// Three subjects with words of their own and a few in common.
std::vector<std::string> subject_texts(std::uint64_t n) {
    const std::vector<std::vector<std::string>> subjects = {
        {"robot", "android", "circuit", "machine", "laser", "cyborg"},
        {"samurai", "katana", "ronin", "honour", "village", "shogun"},
        {"wedding", "bride", "groom", "romance", "kiss", "church"}};
    const std::vector<std::string> common = {"story", "hero", "night", "city"};
    std::vector<std::string> texts;
    for (std::uint64_t d = 0; d < n; ++d) {
        RandomStream draw(7, "subject_texts", d);
        std::string text;
        for (int i = 0; i < 12; ++i) {
            const std::vector<std::string>& words = draw.below(4) == 0 ? common : subjects[d % 3];
            text += words[draw.below(words.size())] + " ";
        }
        texts.push_back(text);
    }
    return texts;
}

double dot(const Matrix<float>& m, std::int64_t a, std::int64_t b) {
    double sum = 0;
    for (std::int64_t j = 0; j < m.cols(); ++j)
        sum += static_cast<double>(m(a, j)) * static_cast<double>(m(b, j));
    return sum;
}

}  // namespace

TEST_CASE("lsa: texts of one subject are nearer than texts of two") {
    const LsaFit fit = fit_lsa(subject_texts(120), {.n_components = 3});
    REQUIRE(fit.vectors.rows() == 120);
    REQUIRE(fit.vectors.cols() == 3);
    double same = 1;
    double other = -1;
    for (std::int64_t a = 0; a < 120; ++a) {
        CHECK(dot(fit.vectors, a, a) == doctest::Approx(1.0).epsilon(1e-5));
        for (std::int64_t b = 0; b < a; ++b) {
            if (a % 3 == b % 3) same = std::min(same, dot(fit.vectors, a, b));
            if (a % 3 != b % 3) other = std::max(other, dot(fit.vectors, a, b));
        }
    }
    CHECK(same > other);
    for (std::size_t j = 1; j < fit.encoder.singular_values.size(); ++j) {
        CHECK(fit.encoder.singular_values[j - 1] >= fit.encoder.singular_values[j]);
    }
}

TEST_CASE("lsa: encoding the training texts gives the fitted vectors, bit by bit, one by one and together") {
    std::vector<std::string> texts = subject_texts(90);
    texts.emplace_back();           // nothing
    texts.emplace_back("zzz the");  // nothing known
    const LsaFit fit =
        fit_lsa(texts, {.n_components = 8, .tokens = {.stop_words = "english", .ngram_max = 2}});
    CHECK(fit.empty_texts == std::vector<Index>{90, 91});
    CHECK(dot(fit.vectors, 90, 90) == 0);
    CHECK(encode(fit.encoder, texts) == fit.vectors);
    CHECK(encode(fit.encoder, texts, 3) == fit.vectors);
    for (const std::size_t i : {0U, 17U, 91U}) {
        const Matrix<float> alone = encode(fit.encoder, std::vector<std::string>{texts[i]});
        for (std::int64_t j = 0; j < alone.cols(); ++j) {
            CHECK(alone(0, j) == fit.vectors(static_cast<std::int64_t>(i), j));
        }
    }
    CHECK(encode(fit.encoder, {}).rows() == 0);
}

TEST_CASE("lsa: the same bytes for any number of threads") {
    const std::vector<std::string> texts = subject_texts(600);
    LsaOptions options;
    options.n_components = 6;
    options.num_threads = 1;
    const LsaFit one = fit_lsa(texts, options);
    options.num_threads = 3;
    const LsaFit three = fit_lsa(texts, options);
    CHECK(one.vectors == three.vectors);
    CHECK(one.encoder.components == three.encoder.components);
    CHECK(one.encoder.singular_values == three.encoder.singular_values);
}

TEST_CASE("lsa: dimensions are lowered to what the texts allow, with a warning") {
    const LsaFit few = fit_lsa(std::vector<std::string>{"robot war", "space war", "robot space"});
    CHECK(few.encoder.dimensions() == 3);
    REQUIRE(few.run.warnings.size() == 1);
    CHECK(few.run.warnings[0].find("n_components lowered from 256 to 3") != std::string::npos);
    const LsaFit repeated = fit_lsa(std::vector<std::string>(30, "robot war"), {.max_df = 1.0});
    CHECK(repeated.encoder.dimensions() == 1);
    const LsaFit single = fit_lsa(std::vector<std::string>{"robot"});
    CHECK(single.encoder.dimensions() == 1);
    CHECK(std::abs(single.vectors(0, 0)) == doctest::Approx(1.0));
}

TEST_CASE("lsa: texts without usable words and bad options are errors") {
    CHECK_THROWS_WITH_AS(fit_lsa({}), doctest::Contains("no usable words"), Error);
    CHECK_THROWS_WITH_AS(fit_lsa(std::vector<std::string>{"the", ""}), doctest::Contains("no usable words"),
                         Error);
    const std::vector<std::string> texts = {"robot war", "space"};
    CHECK_THROWS_WITH_AS(fit_lsa(texts, {.n_components = 0}), doctest::Contains("n_components"), Error);
    CHECK_THROWS_WITH_AS(fit_lsa(texts, {.max_df = 2}), doctest::Contains("max_df"), Error);
    LsaEncoder broken;
    broken.vocabulary = {"robot"};
    CHECK_THROWS_WITH_AS(encode(broken, texts), doctest::Contains("1 terms, 0 idf"), Error);
}
