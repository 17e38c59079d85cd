// SPDX-License-Identifier: MIT
#include "filmatlas/labels/gates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "labels/catalogue.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/text/unicode.hpp"

using namespace filmatlas;

namespace {

const GateResult& gate(const LabelVerdict& verdict, LabelGate which) {
    return verdict.gates[static_cast<std::size_t>(which)];
}

/// Everything that judging needs, made once.
struct Bench {
    Catalogue catalogue;
    LabelSet fallback;
    LabelBars bars;

    explicit Bench(std::uint64_t n = 1500, std::uint64_t seed = 1)
        : catalogue(planted_catalogue(n, seed)),
          fallback(fallback_labels(catalogue.context)),
          bars(label_bars(catalogue.context, fallback)) {}

    LabelVerdict judge(Index node, const LabelCandidate& candidate, const GateOptions& options = {}) const {
        return check_label(catalogue.context, bars, fallback, node, candidate, options);
    }
    /// A group's own words: "word · word".
    std::string words_of(Index node, std::size_t first, std::size_t count) const {
        const auto& keywords = catalogue.context.keywords[static_cast<std::size_t>(node)];
        std::string text;
        for (std::size_t i = first; i < first + count && i < keywords.size(); ++i) {
            text += (text.empty() ? "" : " ") + keywords[i].term;
        }
        return text;
    }
};

const Bench& bench() {
    static const Bench instance;
    return instance;
}

Index last_node(const Bench& b) { return static_cast<Index>(b.catalogue.hierarchy.num_nodes()) - 1; }

}  // namespace

TEST_CASE("gates: the keyword label passes L1 to L6 at every node, and all gates at nearly every one") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        for (const std::uint64_t n : {150U, 1500U}) {
            const Bench b(n, seed);
            std::int64_t rejected = 0;
            for (Index node = 0; node <= last_node(b); ++node) {
                const LabelVerdict verdict = b.judge(node, {b.fallback.text(node)});
                for (int g = 0; g < 6; ++g) {
                    CAPTURE(verdict.text);
                    CAPTURE(verdict.gates[static_cast<std::size_t>(g)].message);
                    CHECK(verdict.gates[static_cast<std::size_t>(g)].passed);
                }
                rejected += verdict.accepted ? 0 : 1;
            }
            CHECK(static_cast<double>(rejected) <=
                  0.05 * static_cast<double>(b.catalogue.hierarchy.num_nodes()));
        }
    }
}

TEST_CASE("gates: 1,000 planted bad labels of six kinds are caught") {
    const Bench& b = bench();
    const Hierarchy& tree = b.catalogue.hierarchy;
    RandomStream draw(7, "planted_bad_labels");
    std::map<std::string, std::pair<int, int>> caught;  // kind -> (caught, planted)
    const std::vector<std::string> kinds = {"sibling", "parent", "title", "poetic", "depleted", "duplicate"};
    while (true) {
        int planted = 0;
        for (const auto& [kind, counts] : caught) planted += counts.second;
        if (planted >= 1000) break;
        const auto node = static_cast<Index>(draw.below(static_cast<std::uint64_t>(tree.num_nodes())));
        const HierarchyNode& self = tree.nodes[static_cast<std::size_t>(node)];
        const std::string& kind = kinds[static_cast<std::size_t>(planted) % kinds.size()];
        std::string text;
        LabelSet written = b.fallback;
        const auto member = [&] {
            const auto items = tree.items(node);
            return static_cast<std::size_t>(items[static_cast<std::size_t>(draw.below(items.size()))]);
        };
        if (kind == "sibling" || kind == "duplicate") {
            std::vector<Index> others;
            for (Index other = tree.level_begin[static_cast<std::size_t>(self.level)];
                 other < tree.level_begin[static_cast<std::size_t>(self.level) + 1]; ++other) {
                const bool sibling = tree.nodes[static_cast<std::size_t>(other)].parent == self.parent;
                if (other != node && (sibling || kind == "duplicate")) others.push_back(other);
            }
            if (others.empty()) continue;
            const Index other = others[static_cast<std::size_t>(draw.below(others.size()))];
            if (kind == "sibling") {
                // The sibling's words, but not its very label: L5 alone would be too easy.
                text = b.words_of(other, 0, 2);
                written.set(other, "");
            } else {
                // This node's own label, already given to another node of the level.
                text = b.fallback.text(node);
                written.set(other, text);
            }
        } else if (kind == "parent") {
            if (self.parent < 0) continue;
            text = b.fallback.text(self.parent);
        } else if (kind == "title") {
            text = b.catalogue.facts.titles[member()];
        } else if (kind == "poetic") {
            text = invented_word(9000 + draw.below(500)) + " of " + invented_word(draw.below(60));
        } else {
            // One good word of the node and one that its members avoid.
            const LabelContext& context = b.catalogue.context;
            std::vector<Index> avoided;
            for (Index stem = 0; stem < static_cast<Index>(context.stems.size()); ++stem) {
                const TermSupport term = context.term(node, stem);
                if (term.lift < 0.67 && term.z < -2) avoided.push_back(stem);
            }
            if (avoided.empty()) continue;
            text = b.words_of(node, 0, 1) + " " +
                   context.words[static_cast<std::size_t>(
                       avoided[static_cast<std::size_t>(draw.below(avoided.size()))])];
        }
        const LabelVerdict verdict = check_label(b.catalogue.context, b.bars, written, node, {text});
        ++caught[kind].second;
        caught[kind].first += verdict.accepted ? 0 : 1;
    }
    for (const auto& [kind, counts] : caught) {
        CAPTURE(kind);
        CHECK(counts.first >= 0.95 * counts.second);
        CHECK(counts.second >= 100);
    }
}

TEST_CASE("gates: a writer's label of the node's own words is accepted") {
    const Bench& b = bench();
    int accepted = 0;
    int judged = 0;
    for (Index node = b.catalogue.hierarchy.level_begin[2]; node <= last_node(b); ++node) {
        accepted += b.judge(node, {b.words_of(node, 0, 3)}).accepted ? 1 : 0;
        ++judged;
    }
    CHECK(accepted >= 0.9 * judged);
}

TEST_CASE("gates L1: too long, too short, empty, 10 MB") {
    const Bench& b = bench();
    const Index node = last_node(b);
    CHECK_FALSE(gate(b.judge(node, {"one two three four five six seven eight"}), LabelGate::Length).passed);
    CHECK_FALSE(gate(b.judge(node, {std::string(60, 'x') + " y"}), LabelGate::Length).passed);
    CHECK_FALSE(gate(b.judge(node, {""}), LabelGate::Length).passed);
    CHECK_FALSE(b.judge(node, {"   "}).accepted);
    const LabelVerdict huge = b.judge(node, {std::string(10'000'000, 'a')});
    CHECK_FALSE(huge.accepted);
    CHECK(huge.text.size() <= 4096);
    CHECK(gate(huge, LabelGate::Length).message.find("10000000 characters") != std::string::npos);
}

TEST_CASE("gates L2: an unsupported word needs cited members that hold the term") {
    const Bench& b = bench();
    const Index node = last_node(b);
    const LabelContext& context = b.catalogue.context;
    // The group's third word, cited for a word that the texts don't have.
    const std::string own = b.words_of(node, 0, 2);
    const std::string term = b.words_of(node, 2, 1);
    std::vector<Index> holders;
    const Index column = context.find_stem(label_stems(term)[0]);
    for (const Index item : b.catalogue.hierarchy.items(node)) {
        const auto columns = context.held.row_indices(item);
        if (std::binary_search(columns.begin(), columns.end(), column)) holders.push_back(item);
    }
    REQUIRE(holders.size() >= 3);
    LabelCandidate candidate{own + " redemption"};
    CHECK_FALSE(gate(b.judge(node, candidate), LabelGate::Support).passed);
    candidate.because = {{"redemption", term, {holders[0], holders[1], holders[2]}}};
    const LabelVerdict verdict = b.judge(node, candidate);
    CHECK(gate(verdict, LabelGate::Support).passed);
    CHECK(gate(verdict, LabelGate::Support).items.size() == 3);
    // Twice the same member, members elsewhere and ids out of range count for nothing.
    candidate.because = {{"redemption", term, {holders[0], holders[0], holders[1], -1, 1 << 30}}};
    CHECK_FALSE(gate(b.judge(node, candidate), LabelGate::Support).passed);
    // Closeness by an encoder allows one figurative word.
    candidate.because.clear();
    candidate.closeness = 0.5;
    candidate.closeness_bar = 0.4;
    CHECK(gate(b.judge(node, candidate), LabelGate::Support).passed);
    candidate.closeness = 0.3;
    CHECK_FALSE(gate(b.judge(node, candidate), LabelGate::Support).passed);
}

TEST_CASE("gates L5: siblings, ancestors, children, forms and word order") {
    const Bench& b = bench();
    const Hierarchy& tree = b.catalogue.hierarchy;
    const Index node = tree.level_begin[1];
    const Index parent = tree.nodes[static_cast<std::size_t>(node)].parent;
    LabelSet written(tree.num_nodes());
    const auto is_unique = [&](const std::string& text) {
        return gate(check_label(b.catalogue.context, b.bars, written, node, {text}), LabelGate::Unique)
            .passed;
    };
    written.set(parent, "Quiet Towns");
    CHECK_FALSE(is_unique("town quiet"));
    CHECK(is_unique("quiet harbour"));
    written = LabelSet(tree.num_nodes());
    written.set(node + 1, "Quiet Town Letters");
    CHECK_FALSE(is_unique("LETTERS: quiet, towns"));
    CHECK(is_unique("quiet town"));  // Jaccard 2/3 is below 0.67
    CHECK_FALSE(is_unique("quiet town letter"));
    written = LabelSet(tree.num_nodes());
    written.set(tree.children(node).front(), "Quiet Town");
    CHECK_FALSE(is_unique("quiet town"));
}

TEST_CASE("gates L6: titles inside labels, and words that only titles carry") {
    const Hierarchy hierarchy =
        hierarchy_from_labels({{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}}, {"microcluster"});
    const std::vector<std::string> texts = {"bruce gotham crime", "bruce gotham crime", "gotham crime bruce",
                                            "crime gotham",       "crime city gotham",  "crime gotham city",
                                            "love paris",         "love letters",       "love letters paris",
                                            "paris dance",        "dance love",         "letters dance"};
    LabelFacts facts;
    facts.titles = {"Bruce One", "Bruce Two", "Bruce Three", "Dark City", "The Quiet Street",
                    "Night",     "A",         "B",           "C",         "D",
                    "E",         "F"};
    const CountResult counted = count_terms(texts);
    const LabelContext context = label_context(hierarchy, counted.counts, counted.vocabulary,
                                               std::vector<std::vector<Keyword>>(2), facts);
    const LabelSet fallback = fallback_labels(context);
    const LabelBars bars = label_bars(context, fallback);
    const auto leak = [&](const std::string& text) {
        return !gate(check_label(context, bars, LabelSet(2), 0, {text}), LabelGate::TitleLeak).passed;
    };
    CHECK(leak("crime on the quiet street"));
    CHECK(leak("DARK CITY crime"));
    CHECK_FALSE(leak("dark gotham city"));
    CHECK_FALSE(leak("crime · night"));  // one content word is no title
    CHECK(leak("bruce gotham"));         // only the films called so hold it
    CHECK_FALSE(leak("gotham crime"));
    CHECK(fallback.text(0).find("bruce") == std::string::npos);
    CHECK_FALSE(leak("dark · city"));  // parts of a keyword label are no phrase
}

TEST_CASE("gates L7: depleted words and times outside the span") {
    const Bench& b = bench();
    const LabelContext& context = b.catalogue.context;
    const Index macro = context.hierarchy.path(0).front();
    const double year = context.facts.times[static_cast<std::size_t>(context.hierarchy.items(macro)[0])];
    const int decade = static_cast<int>(year) / 10 * 10;
    const auto passes = [&](const std::string& text) {
        return gate(b.judge(macro, {text}), LabelGate::Contradiction).passed;
    };
    const std::string own = b.words_of(macro, 0, 1);
    CHECK(passes(own + " " + std::to_string(decade) + "s"));
    CHECK_FALSE(passes(own + " 1850s"));
    CHECK_FALSE(passes(own + " 1850"));
    // Another region's best word is nearly absent here.
    const Index other = macro == 0 ? 1 : 0;
    CHECK_FALSE(passes(own + " " + b.words_of(other, 0, 1)));
}

TEST_CASE("gates L8: a parent's label has to hold for each large child") {
    const Bench& b = bench();
    const Index macro = 0;
    const Index child = b.catalogue.hierarchy.children(macro).front();
    const LabelVerdict narrow = b.judge(macro, {b.words_of(child, 0, 2)});
    CHECK_FALSE(gate(narrow, LabelGate::Children).passed);
    CHECK(gate(narrow, LabelGate::Children).nodes.size() >= 1);
    CHECK(gate(b.judge(macro, {b.words_of(macro, 0, 2)}), LabelGate::Children).passed);
}

TEST_CASE("gates L10: filler, markup, private words") {
    const Bench& b = bench();
    const Index node = last_node(b);
    const std::string own = b.words_of(node, 0, 2);
    CHECK_FALSE(gate(b.judge(node, {own + " Movies"}), LabelGate::Hygiene).passed);
    CHECK_FALSE(gate(b.judge(node, {"<b>" + own}), LabelGate::Hygiene).passed);
    CHECK_FALSE(gate(b.judge(node, {own + "\xFF"}), LabelGate::Hygiene).passed);
    GateOptions options;
    options.private_words = {"Projéct"};
    CHECK_FALSE(gate(b.judge(node, {own + " project"}, options), LabelGate::Hygiene).passed);
    CHECK(gate(b.judge(node, {own}, options), LabelGate::Hygiene).passed);
}

TEST_CASE("gates: nodes without any words, equal nodes, a single node") {
    const Hierarchy bare = hierarchy_from_labels({{0, 1, 1, 2}}, {"macro"});
    const CsrMatrix<std::int32_t> nothing{4, 0, {0, 0, 0, 0, 0}, {}, {}};
    const LabelContext empty = label_context(bare, nothing, {}, std::vector<std::vector<Keyword>>(3));
    const LabelSet names = fallback_labels(empty);
    const LabelBars bars = label_bars(empty, names);
    std::set<std::string> distinct(names.texts().begin(), names.texts().end());
    CHECK(distinct.size() == 3);
    for (Index node = 0; node < 3; ++node) {
        CHECK(check_label(empty, bars, names, node, {names.text(node)}).accepted);
        CHECK_FALSE(check_label(empty, bars, names, node, {"brave new words"}).accepted);
    }
    // Four nodes with the same words still get four labels that pass L1 to L6.
    const std::vector<std::string> same(8, "war army");
    const Hierarchy equal = hierarchy_from_labels({{0, 0, 1, 1, 2, 2, 3, 3}}, {"macro"});
    const CountResult counted = count_terms(same);
    const LabelContext alike =
        label_context(equal, counted.counts, counted.vocabulary, std::vector<std::vector<Keyword>>(4));
    const LabelSet labels = fallback_labels(alike);
    CHECK(std::set<std::string>(labels.texts().begin(), labels.texts().end()).size() == 4);
    const Hierarchy one = hierarchy_from_labels({{0, 0, 0, 0, 0, 0, 0, 0}}, {"macro"});
    const LabelContext single =
        label_context(one, counted.counts, counted.vocabulary, std::vector<std::vector<Keyword>>(1));
    const LabelSet only = fallback_labels(single);
    const LabelVerdict verdict = check_label(single, label_bars(single, only), only, 0, {only.text(0)});
    CAPTURE(only.text(0));
    CAPTURE(verdict.failed());
    CHECK(verdict.accepted);
}

TEST_CASE("gates: the same labels for any number of threads, and again") {
    const Catalogue a = planted_catalogue(300, 5);
    const Catalogue b = planted_catalogue(300, 5);
    CHECK(fallback_labels(a.context).texts() == fallback_labels(b.context).texts());
}

TEST_CASE("gates: options and arguments are checked by name") {
    const Bench& b = bench();
    const auto message = [&](GateOptions options, Index node = 0) {
        try {
            b.judge(node, {"x"}, options);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    GateOptions options;
    options.min_share = 2;
    CHECK(message(options).find("min_share: is 2; use 0 .. 1") != std::string::npos);
    options = {};
    options.words_per_level = {{3, 2}};
    CHECK(message(options).find("words_per_level") != std::string::npos);
    CHECK(message({}, -1).find("node: is -1") != std::string::npos);
    CHECK(gate_code(LabelGate::Hygiene) == "L10");
    CHECK(to_string(LabelGate::TitleLeak) == "title_leak");
}
