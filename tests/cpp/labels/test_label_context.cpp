// SPDX-License-Identifier: MIT
#include "filmatlas/labels/label_context.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "labels/catalogue.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

LabelContext small_context(LabelFacts facts = {}) {
    const std::vector<std::string> texts = {
        "zombies attack the town", "zombie town", "a quiet town", "quiet love", "love letters", "letters"};
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 1, 1, 1}}, {"macro"});
    const CountResult counted = count_terms(texts);
    return label_context(hierarchy, counted.counts, counted.vocabulary, std::vector<std::vector<Keyword>>(2),
                         std::move(facts));
}

}  // namespace

TEST_CASE("label_context: forms of a word are one stem, shown by the commonest form") {
    const LabelContext context = small_context();
    const Index zombie = context.find_stem(label_stems("Zombies")[0]);
    REQUIRE(zombie >= 0);
    CHECK(context.totals[static_cast<std::size_t>(zombie)] == 2);
    CHECK((context.words[static_cast<std::size_t>(zombie)] == "zombie" ||
           context.words[static_cast<std::size_t>(zombie)] == "zombies"));
    CHECK(context.find_stem("nothing") == -1);
    CHECK(std::is_sorted(context.stems.begin(), context.stems.end()));
}

TEST_CASE("label_context: support is counted in items, with lift and z") {
    const LabelContext context = small_context();
    const TermSupport town = context.term(0, context.find_stem("town"));
    CHECK(town.support == 3);
    CHECK(town.others == 0);
    CHECK(town.p_in == doctest::Approx(1.0));
    CHECK(town.lift == doctest::Approx((3.5 / 4) / (0.5 / 4)));
    CHECK(town.z > 0);
    const TermSupport quiet = context.term(1, context.find_stem("quiet"));
    CHECK(quiet.support == 1);
    CHECK(quiet.others == 1);
    CHECK(quiet.lift == doctest::Approx(1.0));
    CHECK(quiet.z == doctest::Approx(0.0));
}

TEST_CASE("label_context: tags count as words of the item, once") {
    LabelFacts facts;
    facts.tags = {{"Horror"}, {"Horror", "horror"}, {}, {"Romance"}, {}, {}};
    const LabelContext context = small_context(facts);
    const TermSupport horror = context.term(0, context.find_stem("horror"));
    CHECK(horror.support == 2);
    CHECK(context.term(1, context.find_stem("romanc")).support == 1);
}

TEST_CASE("label_context: node support equals a count by hand over the planted catalogue") {
    const Catalogue catalogue = planted_catalogue(400);
    const LabelContext& context = catalogue.context;
    for (Index node = 0; node < static_cast<Index>(catalogue.hierarchy.num_nodes()); node += 7) {
        for (Index stem = 0; stem < static_cast<Index>(context.stems.size()); stem += 37) {
            std::int64_t support = 0;
            for (const Index item : catalogue.hierarchy.items(node)) {
                const auto columns = context.held.row_indices(item);
                support += std::binary_search(columns.begin(), columns.end(), stem) ? 1 : 0;
            }
            const TermSupport term = context.term(node, stem);
            CHECK(term.support == support);
            CHECK(term.support + term.others == context.totals[static_cast<std::size_t>(stem)]);
        }
    }
}

TEST_CASE("label_context: label_stems leaves out stop words and single letters, keeps order") {
    CHECK(label_stems("The Quiet of a Town") == std::vector<std::string>{"quiet", "town"});
    CHECK(label_stems("towns, town & TOWN's") == std::vector<std::string>{"town"});
    CHECK(label_stems("").empty());
    CHECK(label_stems("\xFF\xFE").empty());
}

TEST_CASE("label_context: facts that do not fit are refused by name") {
    const auto message = [](LabelFacts facts) {
        try {
            small_context(std::move(facts));
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    LabelFacts facts;
    facts.titles = {"one"};
    CHECK(message(facts) == "label_context: titles has 1 entries, the hierarchy has 6 items");
    facts = {};
    facts.exemplars = {{0}, {9}};
    CHECK(message(facts).find("there is no item 9") != std::string::npos);
    facts = {};
    facts.tags.resize(6);
    facts.tag_scores.resize(6);
    facts.tag_scores[2] = {0.5};
    CHECK(message(facts).find("tag_scores of item 2") != std::string::npos);
}

TEST_CASE("label_context: an empty hierarchy gives an empty context") {
    const LabelContext context = label_context(Hierarchy{}, CsrMatrix<std::int32_t>{}, {}, {});
    CHECK(context.stems.empty());
    CHECK(context.support.rows == 0);
}
