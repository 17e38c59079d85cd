// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/label_jobs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/io/json.hpp"

namespace filmatlas {
namespace {

/// Six decimals, so that the last digits of a logarithm never decide about a hash.
JsonValue rounded(double value) { return std::round(value * 1e6) / 1e6; }

template <class List, class Make>
JsonValue array_of(const List& list, Make&& make) {
    JsonValue array = JsonValue::make_array();
    for (const auto& entry : list) array.push(make(entry));
    return array;
}

JsonValue texts_json(const std::vector<std::string>& texts) {
    return array_of(texts, [](const std::string& text) { return JsonValue(text); });
}

JsonValue ids_json(const std::vector<Index>& ids, std::size_t most) {
    JsonValue array = JsonValue::make_array();
    for (std::size_t i = 0; i < ids.size() && i < most; ++i) array.push(static_cast<std::int64_t>(ids[i]));
    return array;
}

JsonValue term_json(const EvidenceTerm& term) {
    JsonValue object = JsonValue::make_object();
    object.set("term", term.term);
    object.set("score", rounded(term.score));
    object.set("support", term.support.support);
    object.set("p_in", rounded(term.support.p_in));
    object.set("p_out", rounded(term.support.p_out));
    object.set("lift", rounded(term.support.lift));
    if (term.mean_score >= 0) object.set("mean_score", rounded(term.mean_score));
    return object;
}

JsonValue item_json(const EvidenceItem& item) {
    JsonValue object = JsonValue::make_object();
    object.set("item", static_cast<std::int64_t>(item.item));
    if (!item.text.empty()) object.set("text", item.text);
    return object;
}

JsonValue relative_json(const EvidenceRelative& relative) {
    JsonValue object = JsonValue::make_object();
    object.set("node", static_cast<std::int64_t>(relative.node));
    if (!relative.label.empty()) object.set("label", relative.label);
    object.set("size", relative.size);
    object.set("keywords", texts_json(relative.keywords));
    if (!relative.contrast.empty()) {
        object.set("contrast", array_of(relative.contrast, [](const Keyword& keyword) {
                       JsonValue entry = JsonValue::make_object();
                       entry.set("term", keyword.term);
                       entry.set("z", rounded(keyword.score));
                       return entry;
                   }));
    }
    return object;
}

JsonValue evidence_value(const LabelEvidence& evidence) {
    JsonValue object = JsonValue::make_object();
    object.set("node", static_cast<std::int64_t>(evidence.node));
    object.set("level", evidence.level_name);
    object.set("path", texts_json(evidence.path));
    JsonValue budget = JsonValue::make_object();
    budget.set("min_words", evidence.words[0]);
    budget.set("max_words", evidence.words[1]);
    budget.set("max_characters", evidence.max_characters);
    object.set("budget", std::move(budget));
    object.set("size", evidence.size);
    object.set("items", evidence.items);
    object.set("keywords", array_of(evidence.keywords, term_json));
    object.set("tags", array_of(evidence.tags, term_json));
    if (!evidence.source_names.empty()) {
        JsonValue sources = JsonValue::make_object();
        for (std::size_t s = 0; s < evidence.source_names.size(); ++s) {
            sources.set(evidence.source_names[s], texts_json(evidence.source_keywords[s]));
        }
        object.set("keywords_per_source", std::move(sources));
    }
    object.set("exemplars", array_of(evidence.exemplars, item_json));
    object.set("borders", array_of(evidence.borders, item_json));
    object.set("siblings", array_of(evidence.siblings, relative_json));
    object.set("children", array_of(evidence.children, relative_json));
    if (evidence.links_inside >= 0) {
        JsonValue links = JsonValue::make_object();
        links.set("inside", rounded(evidence.links_inside));
        links.set("to", array_of(evidence.links_out, [](const EvidenceLink& link) {
                      JsonValue entry = JsonValue::make_object();
                      entry.set("node", static_cast<std::int64_t>(link.node));
                      if (!link.label.empty()) entry.set("label", link.label);
                      entry.set("share", rounded(link.share));
                      return entry;
                  }));
        object.set("links", std::move(links));
    }
    if (evidence.has_times) {
        JsonValue times = JsonValue::make_object();
        times.set("first", rounded(evidence.times[0]));
        times.set("median", rounded(evidence.times[1]));
        times.set("last", rounded(evidence.times[2]));
        object.set("times", std::move(times));
    }
    object.set("titles_not_to_be_used", texts_json(evidence.titles));
    return object;
}

[[noreturn]] void bad_answer(std::int64_t line, std::string what, const std::string& column = {}) {
    ErrorContext where;
    where.stage = "parse_label_answers";
    where.file = "labels.jsonl";
    where.row = line;
    where.column = column;
    throw Error(ErrorCode::Format, std::move(where), std::move(what),
                R"(write one object per line, e.g. {"node": 3, "label": "samurai honour"})");
}

std::vector<Index> item_ids(const JsonValue& list, std::int64_t line) {
    if (!list.is_array()) bad_answer(line, "the items of a reason are no list", "because");
    std::vector<Index> items;
    for (const JsonValue& id : list.array) {
        if (id.kind != JsonValue::Kind::Integer || id.integer < 0 || id.integer > INT32_MAX) {
            bad_answer(line, "an item of a reason is no row number", "because");
        }
        items.push_back(static_cast<Index>(id.integer));
    }
    return items;
}

LabelAnswer answer_from(const JsonValue& object, std::int64_t line) {
    if (!object.is_object()) bad_answer(line, "the line is no JSON object");
    LabelAnswer answer;
    const JsonValue* node = object.find("node");
    if (node == nullptr || node->kind != JsonValue::Kind::Integer || node->integer < 0 ||
        node->integer > INT32_MAX) {
        bad_answer(line, "there is no node number", "node");
    }
    answer.node = static_cast<Index>(node->integer);
    const JsonValue* label = object.find("label");
    if (label == nullptr || !label->is_string()) bad_answer(line, "there is no label text", "label");
    answer.candidate.text = label->text;
    if (const JsonValue* hash = object.find("hash"); hash != nullptr && hash->is_string())
        answer.hash = hash->text;
    const JsonValue* because = object.find("because");
    if (because == nullptr || because->is_null()) return answer;
    if (!because->is_object()) bad_answer(line, "the reasons are no object", "because");
    for (const auto& [word, reason] : because->object) {
        LabelReason entry;
        entry.word = word;
        const JsonValue* items = &reason;
        if (reason.is_object()) {
            if (const JsonValue* term = reason.find("term"); term != nullptr && term->is_string())
                entry.term = term->text;
            items = reason.find("items");
            if (items == nullptr) bad_answer(line, "a reason has no items", "because");
        }
        entry.items = item_ids(*items, line);
        answer.candidate.because.push_back(std::move(entry));
    }
    return answer;
}

}  // namespace

std::string evidence_json(const LabelEvidence& evidence) { return write_json(evidence_value(evidence)); }

std::string evidence_hash(const LabelEvidence& evidence) { return sha256_hex(evidence_json(evidence)); }

std::string label_jobs(const LabelContext& context, const LabelSet& written, const std::vector<Index>& nodes,
                       const GateOptions& gates, const EvidenceOptions& options) {
    std::vector<Index> wanted = nodes;
    if (wanted.empty()) {
        for (Index node = 0; node < static_cast<Index>(context.hierarchy.num_nodes()); ++node)
            wanted.push_back(node);
    }
    std::string out;
    for (const Index node : wanted) {
        const LabelEvidence evidence = label_evidence(context, written, node, gates, options);
        const std::string json = evidence_json(evidence);
        out += "{\"node\":" + std::to_string(node) + ",\"hash\":\"" + sha256_hex(json) +
               "\",\"evidence\":" + json + "}\n";
    }
    return out;
}

std::vector<LabelAnswer> parse_label_answers(std::string_view jsonl) {
    std::vector<LabelAnswer> answers;
    std::int64_t line = 0;
    while (!jsonl.empty()) {
        ++line;
        const std::size_t end = std::min(jsonl.find('\n'), jsonl.size());
        std::string_view text = jsonl.substr(0, end);
        jsonl.remove_prefix(std::min(end + 1, jsonl.size()));
        if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        JsonValue object;
        try {
            object = parse_json(text);
        } catch (const Error& error) {
            bad_answer(line, error.what_happened());
        }
        answers.push_back(answer_from(object, line));
    }
    return answers;
}

std::string verdict_json(const LabelVerdict& verdict) {
    JsonValue object = JsonValue::make_object();
    object.set("node", static_cast<std::int64_t>(verdict.node));
    object.set("label", verdict.text);
    object.set("accepted", verdict.accepted);
    object.set("gates", array_of(verdict.gates, [](const GateResult& result) {
                   JsonValue entry = JsonValue::make_object();
                   entry.set("code", gate_code(result.gate));
                   entry.set("gate", to_string(result.gate));
                   entry.set("passed", result.passed);
                   entry.set("value", rounded(result.value));
                   entry.set("threshold", rounded(result.threshold));
                   entry.set("message", result.message);
                   if (!result.terms.empty()) entry.set("terms", texts_json(result.terms));
                   if (!result.items.empty()) entry.set("items", ids_json(result.items, 20));
                   if (!result.nodes.empty()) entry.set("nodes", ids_json(result.nodes, 20));
                   return entry;
               }));
    return write_json(object);
}

}  // namespace filmatlas
