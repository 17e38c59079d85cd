// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_LABELS_CATALOGUE_HPP
#define FILMATLAS_TESTS_LABELS_CATALOGUE_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/node_keywords.hpp"
#include "filmatlas/labels/label_context.hpp"
#include "filmatlas/text/counts.hpp"

/// A pronounceable word for a number, so that no two share a stem by accident.
inline std::string invented_word(std::uint64_t number) {
    static const char* const parts[] = {"ba", "ko", "mi", "ru", "te", "vo", "xa", "zu",
                                        "li", "go", "ne", "pa", "du", "fy", "ha", "jo"};
    std::string word;
    for (int i = 0; i < 4; ++i, number /= 16) word += parts[number % 16];
    return word + "k";
}

/// Titles, texts, tags and years with a planted tree: 4 regions x 3 neighbourhoods x 4 groups.
struct Catalogue {
    std::vector<std::string> texts;
    filmatlas::LabelFacts facts;
    filmatlas::Hierarchy hierarchy;
    filmatlas::LabelContext context;
};

inline Catalogue planted_catalogue(std::uint64_t n, std::uint64_t seed = 1) {
    using namespace filmatlas;
    Catalogue out;
    std::vector<std::vector<Index>> labels(3);
    for (std::uint64_t i = 0; i < n; ++i) {
        RandomStream draw(seed, "planted_catalogue", i);
        const std::uint64_t leaf = draw.below(48);
        labels[0].push_back(static_cast<Index>(leaf / 12));
        labels[1].push_back(static_cast<Index>(leaf / 4));
        labels[2].push_back(static_cast<Index>(leaf));
        std::string text;
        for (int w = 0; w < 24; ++w) {
            const std::uint64_t kind = draw.below(5);
            std::uint64_t word = 0;
            if (kind == 0) word = draw.below(60);                          // everywhere
            if (kind == 1) word = 100 + 10 * (leaf / 12) + draw.below(6);  // a region's
            if (kind == 2) word = 200 + 10 * (leaf / 4) + draw.below(5);   // a neighbourhood's
            if (kind == 3) word = 400 + 10 * leaf + draw.below(4);         // a group's
            if (kind == 4) word = 2000 + draw.below(3000);                 // noise
            text += invented_word(word) + " ";
        }
        const std::string first = invented_word(400 + 10 * leaf + draw.below(4));
        out.facts.titles.push_back("The " + first + " " + invented_word(8000 + i));
        out.facts.tags.push_back({"genre" + std::to_string(leaf / 12), "colour"});
        out.facts.times.push_back(1950.0 + 20.0 * static_cast<double>(leaf / 12) +
                                  static_cast<double>(draw.below(15)));
        out.texts.push_back(text);
    }
    out.hierarchy = hierarchy_from_labels(labels, {"macro", "neighborhood", "microcluster"});
    CountOptions options;
    options.min_df = 2;
    const CountResult counted = count_terms(out.texts, options);
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, out.hierarchy);
    out.facts.texts = out.texts;
    out.context = label_context(out.hierarchy, counted.counts, counted.vocabulary,
                                node_keywords(terms, out.hierarchy), out.facts);
    return out;
}

#endif  // FILMATLAS_TESTS_LABELS_CATALOGUE_HPP
