// SPDX-License-Identifier: MIT
#include "filmatlas/text/tfidf.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/counts.hpp"
#include "text/digest.hpp"

using namespace filmatlas;

namespace {

const std::vector<std::string> kTexts = {"robot space robot", "space war", "love war war war", ""};

void check_values(const TfidfOptions& options, const std::vector<double>& idf,
                  const std::vector<double>& weights) {
    const CountResult counted = count_terms(kTexts);
    REQUIRE(counted.vocabulary == std::vector<std::string>{"love", "robot", "space", "war"});
    const std::vector<double> got_idf = inverse_document_frequency(counted.counts, options);
    REQUIRE(got_idf.size() == idf.size());
    for (std::size_t t = 0; t < idf.size(); ++t) CHECK(got_idf[t] == doctest::Approx(idf[t]).epsilon(1e-14));
    const CsrMatrix<float> got = tfidf(counted.counts, got_idf, options);
    REQUIRE(got.values.size() == weights.size());
    for (std::size_t e = 0; e < weights.size(); ++e) CHECK(got.values[e] == static_cast<float>(weights[e]));
    CHECK(got.indptr == std::vector<std::int64_t>{0, 2, 4, 6, 6});
}

}  // namespace

TEST_CASE("tfidf: equals scikit-learn's TfidfTransformer") {  // values of scikit-learn 1.9
    const std::vector<double> smooth = {1.916290731874155, 1.916290731874155, 1.5108256237659907,
                                        1.5108256237659907};
    const std::vector<double> sharp = {2.386294361119891, 2.386294361119891, 1.6931471805599454,
                                       1.6931471805599454};
    check_values({}, smooth,
                 {0.9303238670444788, 0.3667390112974172, 0.7071067811865475, 0.7071067811865475,
                  0.3894166608506136, 0.9210617049101314});
    check_values({.smooth_idf = false}, sharp,
                 {0.9424496527104796, 0.33434810019782757, 0.7071067811865476, 0.7071067811865476,
                  0.42520888615519037, 0.9050952453386674});
    check_values({.sublinear_tf = true}, smooth,
                 {0.9065365209754952, 0.42212739325663945, 0.7071067811865475, 0.7071067811865475,
                  0.5172535423216089, 0.8558322107491325});
    check_values({.l2_normalize = false}, smooth,
                 {3.83258146374831, 1.5108256237659907, 1.5108256237659907, 1.5108256237659907,
                  1.916290731874155, 4.532476871297972});
    check_values({.use_idf = false, .l2_normalize = false}, {1, 1, 1, 1}, {2, 1, 1, 1, 1, 3});
}

TEST_CASE("tfidf: a term that occurs nowhere has a finite idf") {
    CsrMatrix<std::int32_t> counts;
    counts.rows = 1;
    counts.cols = 1;
    counts.indptr = {0, 0};
    CHECK(inverse_document_frequency(counts, {.smooth_idf = false}) == std::vector<double>{1.0});
    CHECK(inverse_document_frequency(counts)[0] == doctest::Approx(1.0 + 0.6931471805599453));
}

TEST_CASE("tfidf: the same for any number of threads; sizes are checked") {
    const CountResult counted = count_terms(random_documents(3000), {.tokens = {.ngram_max = 2}});
    const std::vector<double> idf = inverse_document_frequency(counted.counts);
    const CsrMatrix<float> one = tfidf(counted.counts, idf, {.num_threads = 1});
    CHECK(one == tfidf(counted.counts, idf, {.num_threads = 3}));
    CHECK_THROWS_WITH_AS(tfidf(counted.counts, std::vector<double>{1.0}),
                         doctest::Contains("idf has 1 entries"), Error);
}

TEST_CASE("inverse_document_frequency: parts of a collection add up") {
    const CountResult counted = count_terms(std::vector<std::string>{"aa bb", "aa cc", "aa"});
    for (const bool smooth : {true, false}) {
        const TfidfOptions options{.smooth_idf = smooth};
        CHECK(inverse_document_frequency(std::vector<std::int64_t>{3, 1, 1}, 3, options) ==
              inverse_document_frequency(counted.counts, options));
    }
    CHECK(inverse_document_frequency(std::vector<std::int64_t>{0}, 3, {.smooth_idf = false}) ==
          std::vector<double>{1.0});
    CHECK(inverse_document_frequency(std::vector<std::int64_t>{2}, 3, {.use_idf = false}) == std::vector<double>{1.0});
}
