// SPDX-License-Identifier: MIT
// Topics as lists of words and groups of items: how good they are, how they change.
#include <algorithm>

#include "common.hpp"
#include "convert.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/coherence.hpp"
#include "filmatlas/keywords/rankers.hpp"
#include "filmatlas/keywords/representatives.hpp"
#include "filmatlas/keywords/topic_mix.hpp"
#include "filmatlas/keywords/topic_series.hpp"

namespace filmatlas::python {
namespace {

/// Token lists as a stream that knows the words of interest only; all others are -1. Reads Python strings in
/// place: with millions of tokens, making C++ strings of them would cost more than all the counting.
TokenStream stream_of_interest(const py::list& texts, const TopicWords& topics) {
    TokenStream stream;
    for (const auto& topic : topics) {
        for (const std::string& term : topic) {
            for (std::size_t at = 0; at <= term.size();) {
                const std::size_t end = std::min(term.find(' ', at), term.size());
                if (end > at) stream.vocabulary.push_back(term.substr(at, end - at));
                at = end + 1;
            }
        }
    }
    std::sort(stream.vocabulary.begin(), stream.vocabulary.end());
    stream.vocabulary.erase(std::unique(stream.vocabulary.begin(), stream.vocabulary.end()), stream.vocabulary.end());
    py::dict ids;
    for (std::size_t i = 0; i < stream.vocabulary.size(); ++i) ids[py::str(stream.vocabulary[i])] = py::int_(i);
    for (const py::handle text : texts) {
        PyObject* const fast = PySequence_Fast(text.ptr(), "a text is neither a string nor a list of tokens");
        if (fast == nullptr) throw py::error_already_set();
        const auto owner = py::reinterpret_steal<py::object>(fast);
        const Py_ssize_t length = PySequence_Fast_GET_SIZE(fast);
        PyObject** const tokens = PySequence_Fast_ITEMS(fast);
        for (Py_ssize_t t = 0; t < length; ++t) {
            PyObject* const id = PyDict_GetItemWithError(ids.ptr(), tokens[t]);
            if (id == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
            stream.ids.push_back(id == nullptr ? -1 : static_cast<Index>(PyLong_AsLong(id)));
        }
        stream.indptr.push_back(static_cast<std::int64_t>(stream.ids.size()));
    }
    return stream;
}

void bind_quality(py::module_& module) {
    module.def(
        "token_stream_of_interest",
        [](const py::list& texts, const TopicWords& topics) {
            return std::make_shared<TokenStream>(stream_of_interest(texts, topics));
        },
        "texts"_a, "topics"_a);
    module.def(
        "coherence",
        [](const TokenStream& reference, const TopicWords& topics, const std::string& measure,
           std::optional<int> window, const std::string& rule, int top_n, int num_threads) {
            CoherenceOptions options;
            options.measure = choose<CoherenceMeasure>("coherence", "measure", measure,
                                                       {{"c_npmi", CoherenceMeasure::Npmi},
                                                        {"c_v", CoherenceMeasure::Cv},
                                                        {"c_uci", CoherenceMeasure::Uci},
                                                        {"u_mass", CoherenceMeasure::Umass}});
            options.window = window;
            options.rule = choose<WindowRule>("coherence", "rule", rule,
                                              {{"gensim", WindowRule::Gensim}, {"exact", WindowRule::Exact}});
            options.top_n = top_n;
            options.num_threads = num_threads;
            Coherence result = run_released([&] { return coherence(reference, topics, options); });
            return py::make_tuple(give(std::move(result.per_topic)), result.mean, result.unknown, result.windows);
        },
        "reference"_a, "topics"_a, "measure"_a, "window"_a, "rule"_a, "top_n"_a, "num_threads"_a);
    module.def("topic_diversity", &topic_diversity, "topics"_a, "top_n"_a);
    module.def("topic_uniqueness", &topic_uniqueness, "topics"_a, "top_n"_a);
    module.def("inverted_rank_biased_overlap", &inverted_rank_biased_overlap, "topics"_a, "top_n"_a, "p"_a);
    module.def(
        "word_intrusion",
        [](const TokenStream& reference, const TopicWords& topics, int top_n, int draws, int window,
           std::uint64_t seed, int num_threads) {
            const WordIntrusionOptions options{top_n, draws, window, seed, num_threads};
            WordIntrusion result = run_released([&] { return word_intrusion(reference, topics, options); });
            return py::make_tuple(give(std::move(result.per_topic)), result.mean);
        },
        "reference"_a, "topics"_a, "top_n"_a, "draws"_a, "window"_a, "seed"_a, "num_threads"_a);
    module.def(
        "topic_coverage",
        [](const TokenStream& documents, const Array<Index>& groups, const TopicWords& topics, int top_n) {
            return give(topic_coverage(documents, view_1d(groups, "topic_coverage"), topics, top_n));
        },
        "documents"_a, py::arg("groups").noconvert(), "topics"_a, "top_n"_a);
}

using CountShape = std::pair<std::int64_t, std::int64_t>;
using Counts = std::tuple<CountShape, Array<std::int64_t>, Array<Index>, Array<std::int32_t>>;

py::list scored_words(const std::vector<Keyword>& keywords) {
    py::list out;
    for (const Keyword& keyword : keywords) out.append(py::make_tuple(keyword.term, keyword.score));
    return out;
}

void bind_ranking(py::module_& module) {
    module.def(
        "rank_keywords",
        [](const ClassTerms& terms, const Hierarchy* hierarchy, const std::optional<Counts>& counts,
           const std::string& rule, int top_n, int min_items, double prior, bool fold_forms, int num_threads) {
            RankOptions options;
            options.rule = choose<KeywordRule>("rank_keywords", "rule", rule,
                                               {{"balanced", KeywordRule::Balanced},
                                                {"c_tf_idf", KeywordRule::ClassTfidf},
                                                {"log_odds", KeywordRule::LogOdds},
                                                {"lift", KeywordRule::Lift},
                                                {"npmi", KeywordRule::Npmi},
                                                {"bm25", KeywordRule::Bm25},
                                                {"soft_c_tf_idf", KeywordRule::SoftClassTfidf}});
            options.top_n = top_n;
            options.min_items = min_items;
            options.prior = prior;
            options.fold_forms = fold_forms;
            options.num_threads = num_threads;
            CsrMatrix<std::int32_t> items;
            if (counts) {
                const auto& [shape, indptr, indices, values] = *counts;
                items = copy_csr(shape.first, shape.second, indptr, indices, values);
            }
            const CsrMatrix<std::int32_t>* const given = counts ? &items : nullptr;
            const auto ranked = run_released([&] {
                return hierarchy == nullptr ? rank_keywords(terms, options, given)
                                            : rank_keywords(terms, *hierarchy, options, given);
            });
            py::list out;
            for (const auto& keywords : ranked) out.append(scored_words(keywords));
            return out;
        },
        "terms"_a, "hierarchy"_a.none(true), "counts"_a.none(true), "rule"_a, "top_n"_a, "min_items"_a, "prior"_a,
        "fold_forms"_a, "num_threads"_a);
    module.def(
        "soft_class_weights",
        [](const CountShape& shape, const Array<std::int64_t>& indptr, const Array<Index>& indices,
           const Array<std::int32_t>& values, const Array<double>& memberships) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto degrees = view_2d(memberships, "soft_class_weights");
            return give_csr(run_released([&] { return soft_class_weights(counts, degrees); }));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        py::arg("memberships").noconvert());
    module.def(
        "with_idf",
        [](const ClassTerms& terms, const Array<double>& idf, bool reduce_frequent_words) {
            return std::make_shared<ClassTerms>(with_idf(terms, view_1d(idf, "with_idf"), reduce_frequent_words));
        },
        "terms"_a, py::arg("idf").noconvert(), "reduce_frequent_words"_a);
    module.def(
        "diverse_representatives",
        [](const Hierarchy& hierarchy, const Array<float>& vectors, int count, double diversity, int num_threads) {
            const auto view = view_2d(vectors, "diverse_representatives");
            return run_released([&] { return diverse_representatives(hierarchy, view, count, diversity, num_threads); });
        },
        "hierarchy"_a, py::arg("vectors").noconvert(), "count"_a, "diversity"_a, "num_threads"_a);
    module.def(
        "border_items",
        [](const Hierarchy& hierarchy, const Array<float>& vectors, int count, int num_threads) {
            const auto view = view_2d(vectors, "border_items");
            return run_released([&] { return border_items(hierarchy, view, count, num_threads); });
        },
        "hierarchy"_a, py::arg("vectors").noconvert(), "count"_a, "num_threads"_a);
}

void bind_series(py::module_& module) {
    module.def(
        "topic_series",
        [](const ClassTerms& terms, const Array<double>& idf, const CountShape& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, const Array<Index>& groups,
           const Array<Index>& bins, bool evolution, bool global, double smoothing, bool reduce_frequent_words, int top_n,
           int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto idf_view = view_1d(idf, "topic_series");
            const auto group_view = view_1d(groups, "topic_series");
            const auto bin_view = view_1d(bins, "topic_series");
            const SeriesOptions options{evolution, global, smoothing, reduce_frequent_words, top_n, num_threads};
            py::list out;
            for (const SeriesEntry& entry :
                 run_released([&] { return topic_series(terms, idf_view, counts, group_view, bin_view, options); })) {
                out.append(py::make_tuple(entry.bin, entry.row, entry.items, scored_words(entry.keywords)));
            }
            return out;
        },
        "terms"_a, py::arg("idf").noconvert(), "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(),
        py::arg("values").noconvert(), py::arg("groups").noconvert(), py::arg("bins").noconvert(), "evolution"_a,
        "global_"_a, "smoothing"_a, "reduce_frequent_words"_a, "top_n"_a, "num_threads"_a);
    module.def(
        "topic_mix",
        [](const TokenStream& documents, const ClassTerms& terms, const Array<double>& idf, int window, int stride,
           double min_similarity, bool normalize, bool padding, bool reduce_frequent_words, int num_threads,
           const py::object& progress) {
            const auto idf_view = view_1d(idf, "topic_mix");
            const MixOptions options{window, stride, min_similarity, normalize, padding, reduce_frequent_words, num_threads};
            return give_csr(run_released(progress, [&](const Progress& p) {
                return topic_mix(documents, terms, idf_view, options, p);
            }));
        },
        "documents"_a, "terms"_a, py::arg("idf").noconvert(), "window"_a, "stride"_a, "min_similarity"_a, "normalize"_a,
        "padding"_a, "reduce_frequent_words"_a, "num_threads"_a, "progress"_a);
    module.def(
        "class_similarity",
        [](const CountShape& shape, const Array<std::int64_t>& indptr, const Array<Index>& indices,
           const Array<std::int32_t>& values, const ClassTerms& terms, const Array<double>& idf,
           bool reduce_frequent_words, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto idf_view = view_1d(idf, "class_similarity");
            return give(run_released(
                [&] { return class_similarity(counts, terms, idf_view, reduce_frequent_words, num_threads); }));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "terms"_a, py::arg("idf").noconvert(), "reduce_frequent_words"_a, "num_threads"_a);
    module.def(
        "term_representatives",
        [](const CountShape& shape, const Array<std::int64_t>& indptr, const Array<Index>& indices,
           const Array<std::int32_t>& values, const Array<Index>& groups, const ClassTerms& terms,
           const Array<double>& idf, int count, bool reduce_frequent_words, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto group_view = view_1d(groups, "term_representatives");
            const auto idf_view = view_1d(idf, "term_representatives");
            return run_released([&] {
                return term_representatives(counts, group_view, terms, idf_view, count, reduce_frequent_words, num_threads);
            });
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        py::arg("groups").noconvert(), "terms"_a, py::arg("idf").noconvert(), "count"_a, "reduce_frequent_words"_a,
        "num_threads"_a);
}

}  // namespace

void bind_topics(py::module_& module) {
    bind_quality(module);
    bind_ranking(module);
    bind_series(module);
}

}  // namespace filmatlas::python
