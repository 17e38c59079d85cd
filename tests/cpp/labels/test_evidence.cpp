// SPDX-License-Identifier: MIT
#include "filmatlas/labels/evidence.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "labels/catalogue.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("evidence: path, relatives and budgets of a node") {
    const Catalogue catalogue = planted_catalogue(600);
    const LabelSet labels = fallback_labels(catalogue.context);
    const Hierarchy& tree = catalogue.hierarchy;
    const Index node = tree.level_begin[1];
    const LabelEvidence evidence = label_evidence(catalogue.context, labels, node);
    CHECK(evidence.level_name == "neighborhood");
    CHECK(evidence.path == std::vector<std::string>{labels.text(tree.path(node)[0])});
    CHECK(evidence.words == std::array<int, 2>{2, 5});
    CHECK(evidence.size == tree.nodes[static_cast<std::size_t>(node)].size());
    CHECK(evidence.siblings.size() == 2);
    CHECK(evidence.children.size() == tree.children(node).size());
    CHECK(evidence.children[0].label == labels.text(tree.children(node)[0]));
    CHECK(evidence.links_inside == -1);
    REQUIRE(evidence.has_times);
    CHECK(evidence.times[0] <= evidence.times[1]);
    CHECK(evidence.times[1] <= evidence.times[2]);
    REQUIRE_FALSE(evidence.keywords.empty());
    for (const EvidenceTerm& term : evidence.keywords) {
        CHECK(term.support.support > 0);
        CHECK(term.support.p_in == doctest::Approx(static_cast<double>(term.support.support) /
                                                   static_cast<double>(evidence.size)));
    }
    REQUIRE_FALSE(evidence.tags.empty());
    const auto region = static_cast<std::size_t>(tree.items(node)[0]);
    CHECK(evidence.tags[0].term == catalogue.facts.tags[region][0]);
}

TEST_CASE("evidence: contrast words hold here and not in the sibling") {
    const Catalogue catalogue = planted_catalogue(900);
    const LabelSet labels(catalogue.hierarchy.num_nodes());
    const Index node = catalogue.hierarchy.level_begin[2];
    const LabelEvidence evidence = label_evidence(catalogue.context, labels, node);
    REQUIRE(evidence.siblings.size() == 3);
    for (const EvidenceRelative& sibling : evidence.siblings) {
        REQUIRE(sibling.contrast.size() == 5);
        const Index stem = catalogue.context.find_stem(label_stems(sibling.contrast[0].term)[0]);
        CHECK(catalogue.context.term(node, stem).p_in > catalogue.context.term(sibling.node, stem).p_in);
        for (std::size_t i = 1; i < sibling.contrast.size(); ++i) {
            CHECK(sibling.contrast[i - 1].score >= sibling.contrast[i].score);
        }
    }
}

TEST_CASE("evidence: exemplars show texts without their own title; titles stand apart") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 1, 1}}, {"macro"});
    const std::vector<std::string> texts = {"Jaws Returns is about a shark.\nA SHARK named jaws returns",
                                            "shark attack", "love", "love letters"};
    const CountResult counted = count_terms(texts);
    LabelFacts facts;
    facts.texts = texts;
    facts.titles = {"Jaws Returns", "Shark!", "A", "B"};
    facts.exemplars = {{0, 1}, {2}};
    facts.neighbors = Matrix<Index>(4, 1, {1, 2, 3, -1});
    const LabelContext context = label_context(hierarchy, counted.counts, counted.vocabulary,
                                               std::vector<std::vector<Keyword>>(2), facts);
    const LabelEvidence evidence = label_evidence(context, LabelSet(2), 0);
    REQUIRE(evidence.exemplars.size() == 2);
    CHECK(evidence.exemplars[0].text == "\u2026 is about a shark. A SHARK named \u2026 ");
    CHECK(evidence.exemplars[1].text == "\u2026 attack");
    CHECK(evidence.titles == std::vector<std::string>{"Jaws Returns", "Shark!"});
    CHECK(evidence.links_inside == doctest::Approx(0.5));
    REQUIRE(evidence.links_out.size() == 1);
    CHECK(evidence.links_out[0].node == 1);
    EvidenceOptions options;
    options.mask_titles = false;
    options.excerpt = 12;
    CHECK(label_evidence(context, LabelSet(2), 0, {}, options).exemplars[0].text == "Jaws Return\u2026");
}

TEST_CASE("evidence: arguments are checked by name") {
    const Catalogue catalogue = planted_catalogue(60);
    const LabelSet labels(catalogue.hierarchy.num_nodes());
    CHECK_THROWS_WITH_AS(label_evidence(catalogue.context, labels, -1),
                         doctest::Contains("label_evidence: node: is -1"), Error);
    CHECK_THROWS_WITH_AS(label_evidence(catalogue.context, LabelSet(1), 0),
                         doctest::Contains("there are 1 labels"), Error);
    EvidenceOptions options;
    options.keywords = 0;
    CHECK_THROWS_WITH_AS(label_evidence(catalogue.context, labels, 0, {}, options),
                         doctest::Contains("keywords: is 0"), Error);
}
