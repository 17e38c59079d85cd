// SPDX-License-Identifier: MIT
// Several vectors per item and what each gives; names that leak, repeats, languages.
#include "common.hpp"
#include "convert.hpp"
#include "texts.hpp"
#include "filmatlas/embedding/dominance.hpp"
#include "filmatlas/embedding/source_links.hpp"
#include "filmatlas/text/bm25.hpp"
#include "filmatlas/text/hashing.hpp"
#include "filmatlas/text/language.hpp"
#include "filmatlas/text/mask_names.hpp"
#include "filmatlas/text/near_duplicates.hpp"
#include "filmatlas/text/stem.hpp"
#include "filmatlas/validate/identity_leak.hpp"

namespace filmatlas::python {
namespace {

using Texts = std::vector<std::string>;

MissingRule missing_from(const std::string& word) {
    return choose<MissingRule>("source_links", "missing", word,
                               {{"pair", MissingRule::Pair}, {"item", MissingRule::Item}});
}

DominanceOptions dominance_options(int k, std::int64_t max_items, std::int64_t random_pairs, std::uint64_t seed,
                                   const std::string& missing, int num_threads) {
    DominanceOptions options;
    options.k = k;
    options.max_items = max_items;
    options.random_pairs = random_pairs;
    options.seed = seed;
    options.missing = missing_from(missing);
    options.num_threads = num_threads;
    return options;
}

py::dict figure_dict(const LeakFigure& figure) {
    return py::dict("observed"_a = figure.observed, "chance"_a = figure.chance, "z"_a = figure.z);
}

void bind_links(py::module_& module) {
    module.def(
        "pair_similarity",
        [](const SourceFields& sources, Index a, Index b, const std::string& fusion,
           const std::string& missing, const std::optional<Array<float>>& fused) {
            const auto parts = embedding_sources(sources, "pair_similarity");
            const PairSimilarity pair =
                fused ? pair_similarity(parts, view_2d(*fused, "pair_similarity"), a, b)
                      : pair_similarity(parts, a, b, fusion_from("pair_similarity", fusion), missing_from(missing));
            return py::dict("cosine"_a = pair.cosine, "comparable"_a = pair.comparable, "exact"_a = pair.exact,
                            "shares"_a = pair.shares, "cosines"_a = pair.cosines, "weights"_a = pair.weights);
        },
        "sources"_a, "a"_a, "b"_a, "fusion"_a, "missing"_a, "fused"_a);
    module.def(
        "source_links",
        [](const SourceFields& sources, int k, const std::string& missing, int num_threads,
           const py::object& progress) {
            const auto parts = embedding_sources(sources, "source_links");
            const SourceLinkOptions options{k, num_threads, missing_from(missing)};
            SourceLinks links =
                run_released(progress, [&](const Progress& p) { return source_links(parts, options, p); });
            py::list shares;
            for (Matrix<float>& share : links.shares) shares.append(give(std::move(share)));
            return py::make_tuple(give(std::move(links.indices)), give(std::move(links.cosines)), shares);
        },
        "sources"_a, "k"_a, "missing"_a, "num_threads"_a, "progress"_a);
    module.def(
        "source_dominance",
        [](const SourceFields& sources, int k, std::int64_t max_items, std::int64_t random_pairs, std::uint64_t seed,
           const std::string& missing, int num_threads, const py::object& progress) {
            const auto parts = embedding_sources(sources, "source_dominance");
            const DominanceOptions options = dominance_options(k, max_items, random_pairs, seed, missing, num_threads);
            const DominanceReport report =
                run_released(progress, [&](const Progress& p) { return source_dominance(parts, options, p); });
            py::list rows;
            for (const SourceDominance& source : report.sources) {
                rows.append(py::dict(
                    "name"_a = source.name, "weight"_a = source.weight, "items"_a = source.items,
                    "random_mean"_a = source.random_mean, "random_deviation"_a = source.random_deviation,
                    "share"_a = source.share, "raw_share"_a = source.raw_share,
                    "overlap_without"_a = source.overlap_without, "overlap_alone"_a = source.overlap_alone,
                    "shapley"_a = source.shapley));
            }
            return py::dict("sources"_a = rows, "dominance"_a = report.dominance, "balance"_a = report.balance,
                            "items"_a = report.items, "links"_a = report.links,
                            "chance_overlap"_a = report.chance_overlap);
        },
        "sources"_a, "k"_a, "max_items"_a, "random_pairs"_a, "seed"_a, "missing"_a, "num_threads"_a,
        "progress"_a);
    module.def(
        "auto_balance",
        [](const SourceFields& sources, const std::vector<double>& targets, double tolerance, int max_iterations, int k,
           std::int64_t max_items, std::int64_t random_pairs, std::uint64_t seed, const std::string& missing,
           int num_threads, const py::object& progress) {
            const auto parts = embedding_sources(sources, "auto_balance");
            BalanceOptions options;
            options.tolerance = tolerance;
            options.max_iterations = max_iterations;
            options.links = dominance_options(k, max_items, random_pairs, seed, missing, num_threads);
            const BalancedWeights found =
                run_released(progress, [&](const Progress& p) { return auto_balance(parts, targets, options, p); });
            return py::dict("weights"_a = found.weights, "shares"_a = found.shares, "worst"_a = found.worst, "limited_by"_a = found.limited_by,
                            "run"_a = run_dict(found.run));
        },
        "sources"_a, "targets"_a, "tolerance"_a, "max_iterations"_a, "k"_a, "max_items"_a, "random_pairs"_a, "seed"_a,
        "missing"_a, "num_threads"_a, "progress"_a);
}

void bind_names(py::module_& module) {
    module.def(
        "identity_leak",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, const Texts& vocabulary,
           const KnnGraph& graph, int k, int permutations, std::int64_t max_pairs, int top_tokens, std::uint64_t seed,
           int num_threads, const py::object& progress) {
            const auto names = copy_csr(shape.first, shape.second, indptr, indices, values);
            LeakOptions options;
            options.k = k;
            options.permutations = permutations;
            options.max_pairs = max_pairs;
            options.top_tokens = top_tokens;
            options.seed = seed;
            options.num_threads = num_threads;
            const LeakReport report = run_released(
                progress, [&](const Progress& p) { return identity_leak(names, vocabulary, graph, options, p); });
            py::list tokens;
            for (const LeakToken& token : report.tokens)
                tokens.append(py::make_tuple(token.token, token.items, token.links, token.lift));
            return py::dict("items"_a = report.items, "k"_a = report.k, "overlap"_a = figure_dict(report.overlap),
                            "rare_links"_a = figure_dict(report.rare_links), "auc"_a = report.auc, "tokens"_a = tokens,
                            "suspicious"_a = report.suspicious);
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "vocabulary"_a, "graph"_a, "k"_a, "permutations"_a, "max_pairs"_a, "top_tokens"_a, "seed"_a, "num_threads"_a,
        "progress"_a);
    module.def(
        "mask_names",
        [](const Texts& texts, const std::vector<Texts>& names, bool single_words, int min_word_length,
           const std::string& stop_words, Texts everywhere, const std::string& replacement, int num_threads) {
            MaskOptions options;
            options.single_words = single_words;
            options.min_word_length = min_word_length;
            options.stop_words = stop_words;
            options.everywhere = std::move(everywhere);
            options.replacement = replacement;
            options.num_threads = num_threads;
            MaskedTexts masked = run_released([&] { return mask_names(texts, names, options); });
            return py::make_tuple(py::cast(masked.texts), give(std::move(masked.masked_words)));
        },
        "texts"_a, "names"_a, "single_words"_a, "min_word_length"_a, "stop_words"_a, "everywhere"_a, "replacement"_a,
        "num_threads"_a);
    module.def(
        "name_words",
        [](const Texts& texts, double min_share, std::int64_t min_occurrences) {
            return run_released([&] { return name_words(texts, NameOptions{min_share, min_occurrences}); });
        },
        "texts"_a, "min_share"_a, "min_occurrences"_a);
    module.def(
        "near_duplicates",
        [](const Texts& texts, double threshold, int run_length, int num_threads, const py::object& progress) {
            const NearDuplicateOptions options{threshold, run_length, num_threads};
            const auto pairs =
                run_released(progress, [&](const Progress& p) { return near_duplicates(texts, options, p); });
            py::list out;
            for (const NearDuplicate& pair : pairs) out.append(py::make_tuple(pair.a, pair.b, pair.overlap));
            return py::make_tuple(out, give(duplicate_groups(pairs, static_cast<std::int64_t>(texts.size()))));
        },
        "texts"_a, "threshold"_a, "run_length"_a, "num_threads"_a, "progress"_a);
    module.def(
        "language_hints",
        [](const Texts& texts) {
            py::list out;
            for (const std::string& text : texts) {
                const LanguageHint hint = language_hint(text);
                out.append(py::make_tuple(std::string(hint.code), hint.confidence));
            }
            return out;
        },
        "texts"_a);
}

void bind_weights(py::module_& module) {
    module.def("stop_list_names", [] {
        py::list out;
        for (const std::string_view name : stop_list_names()) out.append(std::string(name));
        return out;
    });
    module.def("stem", [](const std::string& word, const std::string& stemmer) { return stem(word, stemmer); }, "word"_a,
               "stemmer"_a);
    module.def(
        "hash_terms",
        [](const TextColumn& column, const TokenFields& tokens, std::int64_t num_features, bool alternate_sign,
           int num_threads, const py::object& progress) {
            const Texts texts = column.strings();
            const HashOptions options{token_options(tokens), num_features, alternate_sign, num_threads};
            return give_csr(
                run_released(progress, [&](const Progress& p) { return hash_terms(texts, options, p); }));
        },
        "texts"_a, "tokens"_a, "num_features"_a, "alternate_sign"_a, "num_threads"_a, "progress"_a);
    module.def(
        "bm25_statistics",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values) {
            Bm25Statistics statistics = bm25_statistics(copy_csr(shape.first, shape.second, indptr, indices, values));
            return py::make_tuple(give(std::move(statistics.idf)), statistics.mean_length);
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert());
    module.def(
        "bm25",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, const Array<double>& idf, double mean_length,
           double k1, double b, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const Bm25Statistics statistics{copy_1d(idf, "bm25"), mean_length};
            return give_csr(run_released([&] { return bm25(counts, statistics, Bm25Options{k1, b, num_threads}); }));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        py::arg("idf").noconvert(), "mean_length"_a, "k1"_a, "b"_a, "num_threads"_a);
}

}  // namespace

void bind_sources(py::module_& module) {
    bind_links(module);
    bind_names(module);
    bind_weights(module);
}

}  // namespace filmatlas::python
