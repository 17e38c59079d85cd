// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/mask_names.hpp"

using namespace filmatlas;

namespace {

std::string mask(const std::string& text, const std::vector<std::string>& names,
                 const MaskOptions& options = {}) {
    return mask_names(std::vector<std::string>{text}, std::vector<std::vector<std::string>>{names}, options)
        .texts[0];
}

}  // namespace

TEST_CASE("mask_names: names and their words go, in any case, form and accent") {
    CHECK(mask("The Godfather is a 1972 film.", {"The Godfather"}) == "is a 1972 film.");
    CHECK(mask("Two GODFATHERS; a godfather's son.", {"The Godfather"}) == "Two ; a son.");
    CHECK(mask("AMELIE\xE2\x80\x99s caf\xC3\xA9", {"Am\xC3\xA9lie"}) == "caf\xC3\xA9");
    CHECK(mask("It is of the sea.", {"The Old Man and the Sea"}) == "It is of the .");
    CHECK(mask("Nothing here.", {"Alien"}) == "Nothing here.");
    CHECK(mask("Nothing  here.", {}) == "Nothing  here.");
}

TEST_CASE("mask_names: the name as a whole only, or a word in its place") {
    const MaskOptions whole{.single_words = false, .replacement = "_"};
    CHECK(mask("A star is born: the star of Star Wars.", {"Star Wars"}, whole) ==
          "A star is born: the star of _ _.");
    CHECK(mask("Up", {"Up"}, whole) == "_");
    // Short and stop words stand alone unharmed, but fall with the whole name.
    CHECK(mask("Up and up, he gives up hope", {"Up"}) == "and , he gives hope");
    CHECK(mask("It It follows", {"It Follows"}, {.single_words = false}) == "It");
}

TEST_CASE("mask_names: names of all items, counts and threads") {
    std::vector<std::string> texts(300, "Frodo carries the ring to Mordor");
    std::vector<std::vector<std::string>> names(300);
    names[7] = {"Ring"};
    const auto masked = mask_names(texts, names, {.everywhere = {"Frodo", "mordor"}});
    CHECK(masked.texts[0] == "carries the ring to");
    CHECK(masked.texts[7] == "carries the to");
    CHECK(masked.masked_words[0] == 2);
    CHECK(masked.masked_words[7] == 3);
    CHECK(mask_names(texts, names, {.num_threads = 3}).texts ==
          mask_names(texts, names, {.num_threads = 1}).texts);
    CHECK_THROWS_WITH_AS(mask_names(texts, {}), doctest::Contains("0 lists of names for 300"), Error);
    CHECK_THROWS_WITH_AS(mask("a", {}, {.min_word_length = 0}), doctest::Contains("min_word_length: is 0"),
                         Error);
}

TEST_CASE("name_words: words that are capitalised inside sentences") {
    const std::vector<std::string> texts{"Then Frodo leaves. The ring stays.",
                                         "A Ring for Frodo, and for Sam.", "Ring of fire; a ring of ice."};
    CHECK(name_words(texts) == std::vector<std::string>{"frodo", "sam"});
    CHECK(name_words(texts, {.min_occurrences = 2}) == std::vector<std::string>{"frodo"});
    CHECK(name_words(texts, {.min_share = 0.3}) == std::vector<std::string>{"frodo", "ring", "sam"});
    CHECK(name_words({}).empty());
    CHECK_THROWS_WITH_AS(name_words(texts, {.min_share = 0}), doctest::Contains("min_share: is 0"), Error);
}
