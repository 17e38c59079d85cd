// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/stem.hpp"
#include "filmatlas/text/tokenize.hpp"

using namespace filmatlas;

TEST_CASE("stem: Snowball's published examples of English") {
    // From the sample vocabulary of the algorithm's page.
    const std::pair<const char*, const char*> known[] = {{"consign", "consign"},
                                                         {"consigned", "consign"},
                                                         {"consigning", "consign"},
                                                         {"consignment", "consign"},
                                                         {"consist", "consist"},
                                                         {"consisted", "consist"},
                                                         {"consistency", "consist"},
                                                         {"consistent", "consist"},
                                                         {"consistently", "consist"},
                                                         {"consolation", "consol"},
                                                         {"consolatory", "consolatori"},
                                                         {"consolidate", "consolid"},
                                                         {"consoling", "consol"},
                                                         {"consolingly", "consol"},
                                                         {"conspicuous", "conspicu"},
                                                         {"conspiracy", "conspiraci"},
                                                         {"conspirator", "conspir"},
                                                         {"constables", "constabl"},
                                                         {"constancy", "constanc"},
                                                         {"knack", "knack"},
                                                         {"knackeries", "knackeri"},
                                                         {"knavish", "knavish"},
                                                         {"kneaded", "knead"},
                                                         {"kneeled", "kneel"},
                                                         {"knightly", "knight"},
                                                         {"knitting", "knit"},
                                                         {"knives", "knive"},
                                                         {"knocked", "knock"},
                                                         {"knots", "knot"},
                                                         {"happily", "happili"}};
    for (const auto& [word, expected] : known) {
        CAPTURE(word);
        CHECK(stem(word) == expected);
    }
}

TEST_CASE("stem: exceptions, short words, regions and the consonant y") {
    const std::pair<const char*, const char*> known[] = {{"skies", "sky"},
                                                         {"dying", "die"},
                                                         {"news", "news"},
                                                         {"succeed", "succeed"},
                                                         {"inning", "inning"},
                                                         {"outings", "outing"},
                                                         {"as", "as"},
                                                         {"by", "by"},
                                                         {"say", "say"},
                                                         {"cry", "cri"},
                                                         {"ties", "tie"},
                                                         {"cries", "cri"},
                                                         {"gas", "gas"},
                                                         {"gaps", "gap"},
                                                         {"kiwis", "kiwi"},
                                                         {"this", "this"},
                                                         {"hopping", "hop"},
                                                         {"hoping", "hope"},
                                                         {"luxuriated", "luxuri"},
                                                         {"generate", "generat"},
                                                         {"general", "general"},
                                                         {"communism", "communism"},
                                                         {"arsenal", "arsenal"},
                                                         {"yelled", "yell"},
                                                         {"boyhood", "boyhood"},
                                                         {"relational", "relat"},
                                                         {"rational", "ration"},
                                                         {"agreed", "agre"},
                                                         {"feed", "feed"},
                                                         {"dog's", "dog"},
                                                         {"dogs'", "dog"},
                                                         {"'tis", "tis"},
                                                         {"robots", "robot"},
                                                         {"robot", "robot"},
                                                         {"controlled", "control"},
                                                         {"parallel", "parallel"}};
    for (const auto& [word, expected] : known) {
        CAPTURE(word);
        CHECK(stem(word) == expected);
    }
}

TEST_CASE("stem: other letters stay, and names are checked") {
    CHECK(stem("caf\xC3\xA9s") == "caf\xC3\xA9s");
    CHECK(stem("r2d2s") == "r2d2s");
    CHECK(stem("").empty());
    CHECK(stem("robots", "") == "robots");
    CHECK_THROWS_WITH_AS(stem("robots", "klingon"), doctest::Contains("\"klingon\" is not known"), Error);
}

TEST_CASE("stem: languages of Snowball, where the library was built with libstemmer") {
    const auto names = stemmer_names();
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(std::find(names.begin(), names.end(), "english") != names.end());
    if (names.size() == 1) {
        MESSAGE("skipped: built without libstemmer");
        return;
    }
    CHECK(stem("straßen", "german") == stem("straße", "german"));
    CHECK(stem("liebte", "german") == stem("liebten", "german"));
    CHECK(stem("amoureuses", "french") == stem("amoureuse", "french"));
    CHECK(stem("города", "russian") == stem("городов", "russian"));
    CHECK(stem("caf\xC3\xA9s") == "caf\xC3\xA9s");  // English stays this library's own
    const std::vector<std::string> texts{"Straßen der Liebe", "die Straße"};
    const TokenStream stream = token_stream(texts, {.stop_words = "german", .stemmer = "german"});
    CHECK(stream.document(0)[0] == stream.document(1)[0]);
    CHECK(stream == token_stream(texts, {.stop_words = "german", .stemmer = "german"}, 3));
}
