// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_KEYWORDS_SAMPLE_HPP
#define FILMATLAS_TESTS_KEYWORDS_SAMPLE_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/text/counts.hpp"

/// A small catalogue with a planted tree: 3 macro regions x 3 neighbourhoods x 4 groups.
struct Sample {
    std::vector<std::string> texts;
    std::vector<std::vector<filmatlas::Index>> labels;
    filmatlas::Hierarchy hierarchy;
};

inline Sample planted_sample(std::uint64_t n, std::uint64_t seed = 1) {
    Sample sample;
    sample.labels.resize(3);
    for (std::uint64_t i = 0; i < n; ++i) {
        filmatlas::RandomStream draw(seed, "planted_sample", i);
        const auto leaf = static_cast<int>(draw.below(36));
        sample.labels[0].push_back(leaf / 12);
        sample.labels[1].push_back(leaf / 4);
        sample.labels[2].push_back(leaf);
        std::string text;
        for (int w = 0; w < 25; ++w) {
            const std::uint64_t kind = draw.below(5);
            if (kind == 0) text += "common" + std::to_string(draw.below(30));
            if (kind == 1) text += "macro" + std::to_string(leaf / 12) + "x" + std::to_string(draw.below(6));
            if (kind == 2) text += "hood" + std::to_string(leaf / 4) + "x" + std::to_string(draw.below(5));
            if (kind == 3) text += "leaf" + std::to_string(leaf) + "x" + std::to_string(draw.below(4));
            if (kind == 4) text += "rare" + std::to_string(draw.below(4000));
            text += ' ';
        }
        sample.texts.push_back(text);
    }
    sample.hierarchy =
        filmatlas::hierarchy_from_labels(sample.labels, {"macro", "neighborhood", "microcluster"});
    return sample;
}

#endif  // FILMATLAS_TESTS_KEYWORDS_SAMPLE_HPP
