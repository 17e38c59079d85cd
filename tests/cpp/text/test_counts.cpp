// SPDX-License-Identifier: MIT
#include "filmatlas/text/counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "text/digest.hpp"

using namespace filmatlas;

namespace {

std::uint64_t digest_of(const CountResult& result) {
    Digest digest;
    for (const std::string& term : result.vocabulary) {
        digest.add(term);
        digest.add("\xFF");
    }
    for (std::int64_t i = 0; i < result.counts.rows; ++i) {
        const auto columns = result.counts.row_indices(i);
        const auto values = result.counts.row_values(i);
        for (std::size_t e = 0; e < columns.size(); ++e) {
            digest.add(std::to_string(columns[e]) + ":" + std::to_string(values[e]) + ",");
        }
        digest.add(";");
    }
    return digest.value;
}

/// The definition, with maps.
CountResult slow_counts(const std::vector<std::string>& texts, const CountOptions& options) {
    std::map<std::string, std::int64_t> df;
    std::vector<std::map<std::string, std::int32_t>> rows;
    for (const std::string& text : texts) {
        std::map<std::string, std::int32_t>& row = rows.emplace_back();
        for (const std::string& term : tokenize(text, options.tokens)) ++row[term];
        for (const auto& [term, count] : row) ++df[term];
    }
    std::map<std::string, Index> column;
    CountResult result;
    for (const auto& [term, documents] : df) {
        const double share = options.max_df * static_cast<double>(texts.size());
        if (documents < options.min_df || static_cast<double>(documents) > share) continue;
        column[term] = static_cast<Index>(result.vocabulary.size());
        result.vocabulary.push_back(term);
    }
    result.counts.rows = static_cast<std::int64_t>(texts.size());
    result.counts.cols = static_cast<std::int64_t>(result.vocabulary.size());
    for (const auto& row : rows) {
        for (const auto& [term, count] : row) {
            if (const auto found = column.find(term); found != column.end()) {
                result.counts.indices.push_back(found->second);
                result.counts.values.push_back(count);
            }
        }
        result.counts.indptr.push_back(result.counts.nnz());
    }
    return result;
}

}  // namespace

TEST_CASE("count_terms: equals scikit-learn's CountVectorizer") {
    struct Expected {
        CountOptions options;
        std::size_t terms;
        std::int64_t nnz;
        std::uint64_t digest;
    };
    // scikit-learn 1.9, CountVectorizer on the same 300 documents.
    const std::vector<Expected> all = {
        {{}, 18, 2602, 0x2D7C53CAEF7ACA46ULL},
        {{.tokens = {.stop_words = "english", .ngram_max = 2}, .min_df = 2},
         210,
         4680,
         0x3C414E8FD65D4312ULL},
        {{.tokens = {.ngram_min = 2, .ngram_max = 3}, .min_df = 3, .max_df = 0.9},
         495,
         4302,
         0xF62DCE2F39015A63ULL},
        {{.tokens = {.stop_words = "english", .ngram_max = 3}, .min_df = 2, .max_df = 0.4},
         833,
         4291,
         0xB59E9B2DBB5F9580ULL},
        {{.tokens = {.stop_words = "english", .ngram_min = 3, .ngram_max = 3}},
         1574,
         2521,
         0x78BB0A83628264AEULL}};
    const std::vector<std::string> texts = random_documents(300);
    for (const Expected& expected : all) {
        const CountResult result = count_terms(texts, expected.options);
        CHECK(result.vocabulary.size() == expected.terms);
        CHECK(result.counts.nnz() == expected.nnz);
        CHECK(digest_of(result) == expected.digest);
    }
}

TEST_CASE(
    "count_terms: equals the definition over a grid of options, and transforming gives the same counts") {
    std::vector<std::string> texts = random_documents(120);
    for (std::uint64_t s = 0; s < 200; ++s) texts.push_back(random_unicode_text(s));
    for (std::uint64_t s = 0; s < 50; ++s) texts.push_back(random_bytes(s) + " robot " + random_bytes(s + 7));
    texts.insert(texts.end(), {"", "the of", "ab ab ab ab", std::string("ab\0ab", 5)});
    for (const char* const stop_words : {"", "english"}) {
        for (const std::pair<int, int>& range : {std::pair{1, 1}, {1, 2}, {2, 2}, {1, 4}, {3, 5}}) {
            for (const std::int64_t min_df : {1, 2, 5}) {
                for (const double max_df : {1.0, 0.2}) {
                    CountOptions options;
                    options.tokens = {
                        .stop_words = stop_words, .ngram_min = range.first, .ngram_max = range.second};
                    options.min_df = min_df;
                    options.max_df = max_df;
                    const CountResult fast = count_terms(texts, options);
                    const CountResult slow = slow_counts(texts, options);
                    REQUIRE(fast.vocabulary == slow.vocabulary);
                    REQUIRE(fast.counts == slow.counts);
                    REQUIRE(count_with_vocabulary(texts, fast.vocabulary, options.tokens) == fast.counts);
                }
            }
        }
    }
}

TEST_CASE("count_terms: the same for any number of threads") {
    const std::vector<std::string> texts = random_documents(5000);
    CountOptions options;
    options.tokens.ngram_max = 3;
    options.min_df = 2;
    options.num_threads = 1;
    const CountResult one = count_terms(texts, options);
    for (const int threads : {2, 3, 8}) {
        options.num_threads = threads;
        const CountResult many = count_terms(texts, options);
        CHECK(many.vocabulary == one.vocabulary);
        CHECK(many.counts == one.counts);
        CHECK(count_with_vocabulary(texts, one.vocabulary, options.tokens, threads) == one.counts);
    }
}

TEST_CASE("count_terms: one token stream serves every n-gram range") {
    const std::vector<std::string> texts = random_documents(200);
    const TokenStream stream = token_stream(texts, {.stop_words = "english"});
    for (const int ngram_max : {1, 2, 3}) {
        CountOptions options;
        options.tokens = {.stop_words = "english", .ngram_max = ngram_max};
        CHECK(count_terms(stream, options).counts == count_terms(texts, options).counts);
    }
}

TEST_CASE("count_terms: max_features keeps the largest totals, ties by code point") {
    const std::vector<std::string> texts = {"dd dd dd cc cc", "bb bb aa aa zz"};
    CountOptions options;
    options.max_features = 3;
    const CountResult result = count_terms(texts, options);
    CHECK(result.vocabulary == std::vector<std::string>{"aa", "bb", "dd"});
    CHECK(result.counts.indices == std::vector<Index>{2, 0, 1});
    CHECK(result.counts.values == std::vector<std::int32_t>{3, 2, 2});
    CHECK(result.counts.indptr == std::vector<std::int64_t>{0, 1, 3});
    CHECK(result.counts.cols == 3);
}

TEST_CASE("count_terms: n-grams sort by code point among shorter and longer terms") {
    const CountResult result = count_terms(std::vector<std::string>{"new york", "new yorker newt", "new"},
                                           {.tokens = {.ngram_max = 3}});
    CHECK(std::is_sorted(result.vocabulary.begin(), result.vocabulary.end()));
    CHECK(result.vocabulary == std::vector<std::string>{"new", "new york", "new yorker", "new yorker newt",
                                                        "newt", "york", "yorker", "yorker newt"});
}

TEST_CASE("count_terms: nothing to count is a warning, not an error") {
    for (const std::vector<std::string>& texts :
         {std::vector<std::string>{""}, std::vector<std::string>{"the", "of and"},
          std::vector<std::string>{"\xFF\xFE"}}) {
        const CountResult result = count_terms(texts, {.tokens = {.stop_words = "english"}});
        CHECK(result.vocabulary.empty());
        CHECK(result.counts.rows == static_cast<std::int64_t>(texts.size()));
        CHECK(result.counts.indptr.size() == texts.size() + 1);
        REQUIRE(result.run.warnings.size() == 1);
        CHECK(result.run.warnings[0].find("no term is left") != std::string::npos);
    }
    const CountResult none = count_terms(std::vector<std::string>{});
    CHECK(none.counts.rows == 0);
    CHECK(none.run.warnings.empty());
}

TEST_CASE("count_terms: a text of one repeated word and a giant word") {
    std::string repeated;
    for (int i = 0; i < 100000; ++i) repeated += "ha ";
    const std::string giant(10'000'000, 'x');
    const CountResult result = count_terms(std::vector<std::string>{repeated, giant},
                                           {.tokens = {.ngram_max = 2}, .num_threads = 2});
    REQUIRE(result.vocabulary.size() == 3);
    CHECK(result.counts.values == std::vector<std::int32_t>{100000, 99999, 1});
}

TEST_CASE("count_with_vocabulary: unknown words break runs, terms of other lengths don't count") {
    const std::vector<std::string> vocabulary = {"big bad", "big bad wolf", "wolf"};
    const std::vector<std::string> texts = {"big bad wolf", "big unknown bad wolf", "big the bad", ""};
    const auto counts = count_with_vocabulary(texts, vocabulary, {.stop_words = "english", .ngram_max = 2});
    CHECK(counts.indptr == std::vector<std::int64_t>{0, 2, 3, 4, 4});
    CHECK(counts.indices == std::vector<Index>{0, 2, 2, 0});
    CHECK(counts.cols == 3);
    CHECK_THROWS_AS(count_with_vocabulary(texts, std::vector<std::string>{"b", "a"}), Error);
    CHECK(count_with_vocabulary(texts, {}).nnz() == 0);
}

TEST_CASE("count_terms: bad options are named") {
    const std::vector<std::string> texts = {"ab"};
    CHECK_THROWS_WITH_AS(count_terms(texts, {.min_df = 0}), doctest::Contains("min_df"), Error);
    CHECK_THROWS_WITH_AS(count_terms(texts, {.max_df = 0}), doctest::Contains("max_df"), Error);
    CHECK_THROWS_WITH_AS(count_terms(texts, {.max_df = 1.5}), doctest::Contains("max_df"), Error);
    CHECK_THROWS_WITH_AS(count_terms(texts, {.max_features = 0}), doctest::Contains("max_features"), Error);
    CHECK_THROWS_WITH_AS(count_terms(texts, {.num_threads = -1}), doctest::Contains("num_threads"), Error);
}

TEST_CASE("count_terms: a cancelled call throws") {
    const std::vector<std::string> texts = random_documents(3000);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(count_terms(texts, {}, stop), doctest::Contains("cancelled"), Error);
}

TEST_CASE("document_frequency: documents, not occurrences") {
    const CountResult result = count_terms(std::vector<std::string>{"aa aa bb", "aa", "cc"});
    CHECK(document_frequency(result.counts) == std::vector<std::int64_t>{2, 1, 1});
}

TEST_CASE("count_terms: all tokeniser settings give the counts of tokenize(), found and with a vocabulary") {
    std::vector<std::string> texts;
    for (int i = 0; i < 120; ++i) {
        texts.push_back("The king's robots of war " +
                        std::string(i % 3 == 0 ? "dreaming of the sea" : "dream of sci-fi") +
                        (i % 4 == 0 ? " 北京大学" : ""));
    }
    for (TokenizeOptions tokens :
         {TokenizeOptions{.stop_words = "english", .ngram_max = 3, .jump_stop_words = false},
          TokenizeOptions{.stop_words = "english", .ngram_max = 2, .stemmer = "english"},
          TokenizeOptions{
              .stop_words = "english", .ngram_max = 2, .jump_stop_words = false, .stemmer = "english"},
          TokenizeOptions{.ngram_max = 2, .words = WordRule::Unicode, .inner_characters = "-'"}}) {
        CountOptions options;
        options.tokens = tokens;
        const CountResult counted = count_terms(texts, options);
        for (const std::size_t i : {0U, 1U, 4U}) {
            std::map<std::string, std::int32_t> expected;
            for (const std::string& term : tokenize(texts[i], tokens)) {
                if (!term.empty()) ++expected[term];
            }
            std::map<std::string, std::int32_t> found;
            for (auto e = static_cast<std::size_t>(counted.counts.indptr[i]);
                 e < static_cast<std::size_t>(counted.counts.indptr[i + 1]); ++e) {
                found[counted.vocabulary[static_cast<std::size_t>(counted.counts.indices[e])]] =
                    counted.counts.values[e];
            }
            CHECK(found == expected);
        }
        const auto again = count_with_vocabulary(texts, counted.vocabulary, tokens);
        CHECK(again.indices == counted.counts.indices);
        CHECK(again.values == counted.counts.values);
        const auto streamed = count_with_vocabulary(token_stream(texts, tokens), counted.vocabulary, tokens);
        CHECK(streamed.values == counted.counts.values);
        options.num_threads = 3;
        CHECK(count_terms(texts, options).counts.values == counted.counts.values);
    }
}

TEST_CASE("count_terms: texts that lie elsewhere, and tokens with blanks that another tokeniser made") {
    const std::vector<std::string> texts{"owl night owl", "night", "moon owl"};
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const CountResult expected = count_terms(texts, {.tokens = {.ngram_max = 2}});
    const CountResult counted = count_terms(std::span<const std::string_view>(views), {.tokens = {.ngram_max = 2}});
    CHECK(counted.vocabulary == expected.vocabulary);
    CHECK(counted.counts.values == expected.counts.values);
    CHECK(count_with_vocabulary(std::span<const std::string_view>(views), expected.vocabulary, {.ngram_max = 2})
              .indices == expected.counts.indices);
    TokenStream places;
    places.vocabulary = {"new york", "rome"};
    places.ids = {0, 1, 0};
    places.indptr = {0, 2, 3};
    const CountResult found = count_terms(stream_of_tokens(places));
    CHECK(found.vocabulary == std::vector<std::string>{"new york", "rome"});
    const auto again = count_with_vocabulary(stream_of_tokens(places), found.vocabulary);
    CHECK(again.indices == found.counts.indices);
    CHECK(again.values == found.counts.values);
}
