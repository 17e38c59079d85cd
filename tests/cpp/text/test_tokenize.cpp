// SPDX-License-Identifier: MIT
#include "filmatlas/text/tokenize.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/unicode.hpp"
#include "text/digest.hpp"

using namespace filmatlas;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

struct Tricky {
    std::string_view text;
    std::string_view lowered;
    std::vector<std::string> tokens;
};

// Python 3.11: text.lower() and re.findall(r"(?u)\b\w\w+\b", text.lower()).
const std::vector<Tricky>& tricky_texts() {
    static const std::vector<Tricky> texts = {
        {"The sci-fi café, AMÉLIE's"sv,
         "the sci-fi café, amélie's"sv,
         {"the", "sci", "fi", "café", "amélie"}},
        {"İstanbul Iİ"sv, "i\314\207stanbul ii\314\207"sv, {"stanbul", "ii"}},
        {"ΟΔΥΣΣΕΥΣ ΣΑΣ ΑΣ. Σ ΑΣ' ΑΣΒ"sv,
         "οδυσσευς σας ας. σ ας' ασβ"sv,
         {"οδυσσευς", "σας", "ας", "ας", "ασβ"}},
        {"STRASSE ẞ ß"sv, "strasse ß ß"sv, {"strasse"}},
        {"naïve_user x1 3d a b cd"sv, "naïve_user x1 3d a b cd"sv, {"naïve_user", "x1", "3d", "cd"}},
        {"don't rock'n'roll"sv, "don't rock'n'roll"sv, {"don", "rock", "roll"}},
        {"東京タワー、日本 京"sv, "東京タワー、日本 京"sv, {"東京タワー", "日本"}},
        {"हिन\340\245\215दी में"sv, "हिन\340\245\215दी में"sv, {}},
        {"สวัสดีชาวโลก"sv, "สวัสดีชาวโลก"sv, {"สว", "สด", "ชาวโลก"}},
        {"e\314\201te\314\201 été"sv, "e\314\201te\314\201 été"sv, {"te", "été"}},
        {"a\302\240bb\011cc\015\012dd\342\200\250ee"sv,
         "a\302\240bb\011cc\015\012dd\342\200\250ee"sv,
         {"bb", "cc", "dd", "ee"}},
        {"😀ok👍\360\237\217\275go"sv, "😀ok👍\360\237\217\275go"sv, {"ok", "go"}},
        {"x² ½ Ⅷ ١٢"sv, "x² ½ ⅷ ١٢"sv, {"x²", "١٢"}},
        {"Ǆungla ǅ"sv, "ǆungla ǆ"sv, {"ǆungla"}},
        {"a\000bc\000\000de"sv, "a\000bc\000\000de"sv, {"bc", "de"}},
        {"ΑΣ\302\255 ΑΣ\314\201Β"sv, "ας\302\255 ασ\314\201β"sv, {"ας", "ασ"}},
        {"𐐀𐐁 𝐀𝐁"sv, "𐐨𐐩 𝐀𝐁"sv, {"𐐨𐐩", "𝐀𝐁"}},
        {""sv, ""sv, {}},
        {"_ __ _a"sv, "_ __ _a"sv, {"__", "_a"}},
        {"fiancée’s l’été"sv, "fiancée’s l’été"sv, {"fiancée", "été"}},
    };
    return texts;
}

}  // namespace

TEST_CASE("tokenize: tricky strings give Python's tokens") {
    for (const Tricky& example : tricky_texts()) {
        CAPTURE(example.text);
        CHECK(lower(example.text) == example.lowered);
        CHECK(tokenize(example.text) == example.tokens);
    }
}

TEST_CASE("tokenize: ten thousand random Unicode strings give Python's tokens") {
    Digest digest;
    std::size_t count = 0;
    for (std::uint64_t s = 0; s < 10000; ++s) {
        const std::string text = random_unicode_text(s);
        digest.add(lower(text));
        digest.add("\xFF");
        for (const std::string& token : tokenize(text)) {
            digest.add(token);
            digest.add("\xFE");
            ++count;
        }
    }
    CHECK(count == 18779);
    CHECK(digest.value == 0x56654C9C9CA73AACULL);
}

TEST_CASE("tokenize: broken bytes separate tokens and are never part of one") {
    CHECK(tokenize("ab\xFF"
                   "cd\xC3") == std::vector<std::string>{"ab", "cd"});
    for (std::uint64_t s = 0; s < 2000; ++s) {
        const std::string bytes = random_bytes(s) + "zw" + random_bytes(s + 1);
        CHECK(tokenize(bytes) == tokenize(replace_invalid_utf8(bytes)));
    }
}

TEST_CASE("tokenize: options choose length, stop words and runs") {
    CHECK(tokenize("a bc def", {.min_length = 1}) == std::vector<std::string>{"a", "bc", "def"});
    CHECK(tokenize("a bc déf", {.min_length = 3}) == std::vector<std::string>{"déf"});
    CHECK(tokenize("the king of SPACE", {.stop_words = "english"}) ==
          std::vector<std::string>{"king", "space"});
    CHECK(tokenize("the king", {.extra_stop_words = {"King"}}) == std::vector<std::string>{"the"});
    // Stop words go first: the run jumps over them.
    CHECK(tokenize("king of space war", {.stop_words = "english", .ngram_min = 1, .ngram_max = 3}) ==
          std::vector<std::string>{"king", "space", "war", "king space", "space war", "king space war"});
    CHECK(tokenize("one two", {.ngram_min = 3, .ngram_max = 4}).empty());
}

TEST_CASE("tokenize: bad options are named") {
    CHECK_THROWS_WITH_AS(tokenize("", {.min_length = 0}), doctest::Contains("min_length"), Error);
    CHECK_THROWS_WITH_AS(tokenize("", {.stop_words = "klingon"}),
                         doctest::Contains("\"klingon\" is not a known list"), Error);
    CHECK_THROWS_WITH_AS(tokenize("", {.ngram_min = 0}), doctest::Contains("ngram_min"), Error);
    CHECK_THROWS_WITH_AS(tokenize("", {.ngram_min = 2, .ngram_max = 1}), doctest::Contains("ngram_max"),
                         Error);
    CHECK_THROWS_WITH_AS(tokenize("", {.ngram_max = 9}), doctest::Contains("ngram_max"), Error);
}

TEST_CASE("token_stream: equals tokenize() document by document, for any number of threads") {
    std::vector<std::string> texts = random_documents(2000);
    for (std::uint64_t s = 0; s < 3000; ++s) texts.push_back(random_unicode_text(s));
    for (std::uint64_t s = 0; s < 500; ++s) texts.push_back(random_bytes(s));
    const TokenizeOptions options{.stop_words = "english"};
    const TokenStream stream = token_stream(texts, options, 1);
    REQUIRE(stream.num_documents() == static_cast<std::int64_t>(texts.size()));
    for (std::size_t t = 1; t < stream.vocabulary.size(); ++t)
        CHECK(stream.vocabulary[t - 1] < stream.vocabulary[t]);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::vector<std::string> tokens;
        for (const Index id : stream.document(static_cast<std::int64_t>(i))) {
            tokens.push_back(stream.vocabulary[static_cast<std::size_t>(id)]);
        }
        if (tokens != tokenize(texts[i], options)) FAIL("document " << i);
    }
    for (const int threads : {2, 3, 7}) CHECK(token_stream(texts, options, threads) == stream);
}

TEST_CASE("token_stream: many distinct tokens make the table grow without losing one") {
    std::vector<std::string> texts(300);
    for (std::uint64_t w = 0; w < 60000; ++w) {
        texts[w % 300]
            .append(1, 'w')
            .append(std::to_string(mix64(w) % 40000))
            .append(w % 3 == 0 ? "abcdefghijkl " : " ");
    }
    const TokenStream one = token_stream(texts, {}, 1);
    CHECK(one.num_tokens() == 60000);
    CHECK(one == token_stream(texts, {}, 3));
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::vector<std::string> tokens = tokenize(texts[i]);
        const auto ids = one.document(static_cast<std::int64_t>(i));
        REQUIRE(ids.size() == tokens.size());
        for (std::size_t j = 0; j < ids.size(); ++j) {
            if (one.vocabulary[static_cast<std::size_t>(ids[j])] != tokens[j]) FAIL("document " << i);
        }
    }
}

TEST_CASE("token_stream: hostile texts") {
    const std::string giant(10'000'000, 'Q');
    const TokenStream stream = token_stream(std::vector<std::string>{giant, "", "\0\0"s, "ab", giant});
    CHECK(stream.num_tokens() == 3);
    REQUIRE(stream.vocabulary.size() == 2);
    CHECK(stream.vocabulary[1] == std::string(10'000'000, 'q'));
    CHECK(token_stream(std::span<const std::string>{}).num_documents() == 0);
    CHECK(token_stream(std::vector<std::string>(5)).vocabulary.empty());
    std::string sigmas;  // looking for the end of the word must not make this quadratic
    for (int i = 0; i < 200000; ++i) sigmas += "Σ.";
    CHECK(token_stream(std::vector<std::string>{sigmas}).num_tokens() == 0);
    std::string shorts;
    for (int i = 0; i < 300000; ++i) shorts += "a ";
    CHECK(token_stream(std::vector<std::string>{shorts}).num_tokens() == 0);
    CHECK(token_stream(std::vector<std::string>{shorts}, {.min_length = 1}).num_tokens() == 300000);
}

namespace {

using Words = std::vector<std::string>;
constexpr const char* kDevanagari = "हिन्दी फ़िल्म";

}  // namespace

TEST_CASE("tokenize: the Unicode rule keeps accents, vowel signs and dotted letters in their words") {
    const TokenizeOptions unicode{.words = WordRule::Unicode};
    CHECK(tokenize("Ame\xCC\x81lie", unicode) == Words{"ame\xCC\x81lie"});  // decomposed
    CHECK(tokenize("Ame\xCC\x81lie").size() == 2);                          // as Python's pattern has it
    CHECK(tokenize(kDevanagari, unicode) == Words{"हिन्दी", "फ़िल्म"});
    CHECK(tokenize(kDevanagari) != tokenize(kDevanagari, unicode));
    CHECK(tokenize("İstanbul'da", unicode) == Words{"istanbul", "da"});
    CHECK(tokenize("مُحَمَّد", unicode) == Words{"مُحَمَّد"});
    CHECK(tokenize("Straße ÜBER größe", unicode) == Words{"straße", "über", "größe"});
}

TEST_CASE("tokenize: scripts without spaces become pairs of characters") {
    const TokenizeOptions unicode{.words = WordRule::Unicode};
    CHECK(tokenize("我爱北京", unicode) == Words{"我爱", "爱北", "北京"});
    CHECK(tokenize("我爱北京") == Words{"我爱北京"});
    CHECK(tokenize("犬。", unicode) == Words{"犬"});
    CHECK(tokenize("HAL9000と対話するアニメーション", unicode) ==
          Words{"hal9000", "と対", "対話", "話す", "する", "アニメーション"});
    CHECK(tokenize("ที่ดี", unicode) == Words{"ที่ดี"});  // two characters, with their marks
    CHECK(tokenize("한국 영화", unicode) == Words{"한국", "영화"});
    for (const std::string& word : tokenize("これは長い文章です。とても長い文章です。", unicode))
        CHECK(count_code_points(word) <= 2);
}

TEST_CASE("tokenize: punctuation that holds words together") {
    const TokenizeOptions joined{.inner_characters = "-'"};
    CHECK(tokenize("Sci-fi isn't -- don\xE2\x80\x99t 'quoted' end-", joined) ==
          Words{"sci-fi", "isn't", "don't", "quoted", "end"});
    CHECK_THROWS_WITH_AS(tokenize("a", TokenizeOptions{.inner_characters = "a"}),
                         doctest::Contains("inner_characters"), Error);
}

TEST_CASE("tokenize: runs over stop words or not, and stems") {
    TokenizeOptions options{.stop_words = "english", .ngram_min = 2, .ngram_max = 2};
    CHECK(tokenize("lord of the rings, dark night", options) ==
          Words{"lord rings", "rings dark", "dark night"});
    options.jump_stop_words = false;
    CHECK(tokenize("lord of the rings, dark night", options) == Words{"rings dark", "dark night"});
    CHECK(tokenize("Robots robot robotic", TokenizeOptions{.stemmer = "english"}) ==
          Words{"robot", "robot", "robot"});
    CHECK_THROWS_WITH_AS(tokenize("a", TokenizeOptions{.stemmer = "klingon"}), doctest::Contains("klingon"),
                         Error);
}

TEST_CASE("token_stream: every word rule gives the words of tokenize(), for any number of threads") {
    std::vector<std::string> texts;
    for (int i = 0; i < 400; ++i) {
        texts.push_back("The Sci-Fi robots of 東京タワー " + std::to_string(i % 37) +
                        " e\xCC\x81t\xC3\xA9 can't ภาษาไทย " +
                        std::string(i % 5 == 0 ? "\xFF\xC3 broken" : "dreams dreaming"));
    }
    for (const TokenizeOptions& options :
         {TokenizeOptions{.words = WordRule::Unicode}, TokenizeOptions{.inner_characters = "-'"},
          TokenizeOptions{.stop_words = "english", .words = WordRule::Unicode, .stemmer = "english"}}) {
        const TokenStream stream = token_stream(texts, options, 1);
        CHECK(stream == token_stream(texts, options, 3));
        CHECK(std::is_sorted(stream.vocabulary.begin(), stream.vocabulary.end()));
        for (const std::size_t i : {0U, 5U, 77U}) {
            Words words;
            for (const Index id : stream.document(static_cast<std::int64_t>(i)))
                words.push_back(stream.vocabulary[static_cast<std::size_t>(id)]);
            CHECK(words == tokenize(texts[i], options));
        }
    }
    const TokenStream kept = token_stream(texts, {.stop_words = "english", .jump_stop_words = false});
    CHECK(kept.vocabulary.front().empty());
}

TEST_CASE("token_stream: texts that lie elsewhere give the same") {
    const std::vector<std::string> texts{"The owl", "", "night \xC3\xA9t\xC3\xA9 owl", "moon moon"};
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    CHECK(token_stream(views) == token_stream(texts));
    const TokenizeOptions options{.stop_words = "english", .words = WordRule::Unicode};
    CHECK(token_stream(std::span<const std::string_view>(views), options) == token_stream(texts, options));
}

TEST_CASE("stream_of_tokens: stop words and stems of a stream are those of its texts") {
    std::vector<std::string> texts;
    for (int i = 0; i < 60; ++i)
        texts.push_back("the robots of robot " + std::to_string(i % 7) + "x dreaming and the " + std::to_string(i) + "y");
    for (const bool jump : {true, false}) {
        for (const char* stemmer : {"", "english"}) {
            const TokenizeOptions options{.stop_words = "english", .jump_stop_words = jump, .stemmer = stemmer};
            CHECK(stream_of_tokens(token_stream(texts), options) == token_stream(texts, options));
        }
    }
}

TEST_CASE("stream_of_tokens: tokens of any tokeniser") {
    TokenStream made;
    made.vocabulary = {"zoo", "New York", "ant", "zoo", ""};
    made.ids = {0, 1, 2, 3, 4, 2};
    made.indptr = {0, 3, 6};
    const TokenStream stream = stream_of_tokens(made);
    CHECK(stream.vocabulary == Words{"New York", "ant", "zoo"});
    CHECK(stream.ids == std::vector<Index>{2, 0, 1, 2, 1});
    CHECK(stream.indptr == std::vector<std::int64_t>{0, 3, 5});
    CHECK(document_terms(stream, 0) == Words{"zoo", "New York", "ant"});
    CHECK_THROWS_WITH_AS(stream_of_tokens(made, {.ngram_max = 2}), doctest::Contains("with a blank"), Error);
    made.ids[0] = 5;
    CHECK_THROWS_WITH_AS(stream_of_tokens(made), doctest::Contains("outside the vocabulary"), Error);
    TokenStream runs;
    runs.vocabulary = {"dark", "the", "night"};
    runs.ids = {0, 1, 2, 0};
    runs.indptr = {0, 4};
    const TokenizeOptions pairs{.stop_words = "english", .ngram_min = 1, .ngram_max = 2, .jump_stop_words = false};
    CHECK(document_terms(stream_of_tokens(runs, pairs), 0, pairs) == Words{"dark", "night", "dark", "night dark"});
}

TEST_CASE("tokenize: words of scripts without spaces by dictionary, where the library was built with ICU") {
    const TokenizeOptions options{.words = WordRule::Dictionary};
    CHECK(word_rule_from_string("dictionary") == WordRule::Dictionary);
    if (!has_dictionary_words()) {
        CHECK_THROWS_WITH_AS(tokenize("a", options), doctest::Contains("built without ICU"), Error);
        MESSAGE("the rest is skipped: built without ICU");
        return;
    }
    CHECK(tokenize("我爱北京天安门", options) == Words{"我", "爱", "北京", "天安门"});
    const Words thai = tokenize("การเดินทางในอวกาศ", options);
    CHECK(thai.size() >= 3);
    CHECK(tokenize("Science-Fiction und 東京タワー", options).back() == "タワー");
    // Scripts with spaces give what they give without a dictionary.
    const std::string text = "L'\xC3\xA9t\xC3\xA9 e\xCC\x81t\xC3\xA9 हिन्दी İstanbul robots";
    CHECK(tokenize(text, options) == tokenize(text, {.words = WordRule::Unicode}));
    std::vector<std::string> texts(200, "我爱北京天安门。 การเดินทางในอวกาศ");
    CHECK(token_stream(texts, options, 1) == token_stream(texts, options, 3));
}
