// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_TRIANGLE_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_TRIANGLE_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_rounds.hpp"
#include "filmatlas/core/parallel.hpp"

/// @file linkage_triangle.hpp
/// @brief Clusters of `LinkageRounds` whose distances are the upper triangle of a matrix.
///
/// Updates and searches go row by row, over entries that lie side by side, for all merges and searches of a
/// round at once: column by column, as one merge alone would have it, nearly every entry is a page of its own.

namespace filmatlas::detail {

/// Distances in the upper triangle. Removed clusters' entries stay as they were until the next `compact`.
template <class T>
class LinkageTriangle {
public:
    /// Takes the distances as its working space.
    LinkageTriangle(std::span<T> distances, std::vector<double> sizes, LinkageMethod method, int num_threads)
        : slots_(static_cast<std::int64_t>(sizes.size())),
          sizes_(std::move(sizes)),
          alive_(sizes_.size(), 1),
          lists_(sizes_.size()),
          into_(sizes_.size()),
          method_(method),
          num_threads_(num_threads) {
        std::iota(into_.begin(), into_.end(), Index{0});
        T* row = distances.data();
        for (std::int64_t i = 0; i < slots_; row += slots_ - ++i) rows_.push_back(row - i - 1);
    }

    static double height(double value) { return value; }

    /// From the lists where they are long enough, else by sweeping over the rows.
    void search(const std::vector<Index>& wanted, std::vector<Index>& nearest, std::vector<double>& value) {
        std::vector<Index> open;
        for (const Index s : wanted) {
            const Near best = from_list(s);
            if (best.id < 0) {
                open.push_back(s);
                continue;
            }
            nearest[static_cast<std::size_t>(s)] = best.id;
            value[static_cast<std::size_t>(s)] = static_cast<double>(best.value);
        }
        if (!open.empty()) sweep(open, nearest, value);
    }

    void merge(const std::vector<LinkagePair>& pairs) {
        switch (method_) {  // once, not for every entry
            case LinkageMethod::Single: return merge_by<LinkageMethod::Single>(pairs);
            case LinkageMethod::Complete: return merge_by<LinkageMethod::Complete>(pairs);
            case LinkageMethod::Average: return merge_by<LinkageMethod::Average>(pairs);
            case LinkageMethod::Weighted: return merge_by<LinkageMethod::Weighted>(pairs);
            default: return merge_by<LinkageMethod::Ward>(pairs);
        }
    }

    void compact(const std::vector<Index>& kept) {
        // Every row is packed where it begins, so that none waits for another.
        parallel_for(static_cast<std::int64_t>(kept.size()), kRows, num_threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const Index old = kept[static_cast<std::size_t>(i)];
                const T* row = row_of(old);
                T* out = row_of(old) + old - i;
                for (auto j = static_cast<std::size_t>(i) + 1; j < kept.size(); ++j) out[j] = row[kept[j]];
            }
        });
        for (std::size_t i = 0; i < kept.size(); ++i)
            rows_[i] = row_of(kept[i]) + kept[i] - static_cast<std::ptrdiff_t>(i);
        rows_.resize(kept.size());
        for (std::size_t i = 0; i < kept.size(); ++i) sizes_[i] = sizes_[static_cast<std::size_t>(kept[i])];
        std::vector<Index> place(into_.size(), -1);
        for (std::size_t k = 0; k < kept.size(); ++k) place[static_cast<std::size_t>(kept[k])] = static_cast<Index>(k);
        for (std::size_t k = 0; k < kept.size(); ++k) {
            List list = std::move(lists_[static_cast<std::size_t>(kept[k])]);
            for (Index& id : list.ids) id = place[static_cast<std::size_t>(find(id))];
            lists_[k] = std::move(list);
        }
        lists_.resize(kept.size());
        into_.resize(kept.size());
        std::iota(into_.begin(), into_.end(), Index{0});
        sizes_.resize(kept.size());
        alive_.assign(kept.size(), 1);
        slots_ = static_cast<std::int64_t>(kept.size());
    }

private:
    static constexpr std::int64_t kRows = 64;
    static constexpr std::int64_t kSerialWork = 1 << 19;  ///< entries for which threads are not worth starting

    static constexpr std::size_t kListed = 10;        ///< neighbours that a sweep finds for a cluster
    static constexpr std::size_t kMostListed = 24;    ///< and most that a merged one keeps of its parts'

    struct Near {
        T value = std::numeric_limits<T>::infinity();
        Index id = -1;
        bool operator<(const Near& other) const {
            return value != other.value ? value < other.value : id < other.id;
        }
    };
    /// A pair with the numbers of items, side by side: they are read for every row.
    struct Merge {
        Index x;
        Index y;
        double value;
        double n_x;
        double n_y;
    };
    /// Near clusters of a slot; all others are at least `radius` away, for as long as it is not merged.
    struct List {
        std::vector<Index> ids;  ///< slots as they were; `into_` says where they are
        T radius = 0;
    };

    /// The nearest of the listed ones, where no other can be as near.
    Near from_list(Index s) {
        List& list = lists_[static_cast<std::size_t>(s)];
        Near best;
        std::size_t kept = 0;
        for (const Index old : list.ids) {
            const Index slot = find(old);
            if (slot == s || std::find(list.ids.begin(), list.ids.begin() + static_cast<std::ptrdiff_t>(kept), slot) !=
                                 list.ids.begin() + static_cast<std::ptrdiff_t>(kept)) {
                continue;
            }
            list.ids[kept++] = slot;
            best = std::min(best, Near{entry(s, slot), slot});
        }
        list.ids.resize(kept);
        return best.value < list.radius ? best : Near{};
    }

    Index find(Index slot) {
        while (into_[static_cast<std::size_t>(slot)] != slot) {
            Index& next = into_[static_cast<std::size_t>(slot)];
            next = into_[static_cast<std::size_t>(next)];
            slot = next;
        }
        return slot;
    }

    /// The nearest clusters met so far, ascending; those that are no nearer than the last of a full list are passed over.
    struct Found {
        std::array<Near, kListed + 1> near;
        T limit() const { return near[kListed].value; }
        void offer(T value, Index id) {
            const Near mine{value, id};
            if (!(mine < near[kListed])) return;
            std::size_t at = kListed;
            for (; at > 0 && mine < near[at - 1]; --at) near[at] = near[at - 1];
            near[at] = mine;
        }
    };

    void sweep(const std::vector<Index>& wanted, std::vector<Index>& nearest, std::vector<double>& value) {
        const bool most = 4 * static_cast<std::int64_t>(wanted.size()) > slots_;  // then whole rows are compared
        const bool serial = work(static_cast<std::int64_t>(wanted.size())) < kSerialWork;
        const int workers = serial ? 1 : resolve_num_threads(num_threads_);
        struct Mine {
            std::vector<Found> found;  ///< one for each wanted slot
            std::vector<T> limit;      ///< of each, by slot where whole rows are compared; -inf where none is wanted
        };
        std::vector<Mine> of_worker(static_cast<std::size_t>(workers));
        std::vector<Index> place(sizes_.size(), -1);
        for (std::size_t w = 0; w < wanted.size(); ++w)
            place[static_cast<std::size_t>(wanted[w])] = static_cast<Index>(w);
        const std::int64_t blocks = (slots_ + kRows - 1) / kRows;
        parallel_blocks(blocks, workers, [&](std::int64_t block, int worker) {
            Mine& mine = of_worker[static_cast<std::size_t>(worker)];
            if (mine.found.empty()) {
                constexpr T kInfinity = std::numeric_limits<T>::infinity();
                mine.found.resize(wanted.size());
                mine.limit.assign(most ? sizes_.size() : wanted.size(), most ? -kInfinity : kInfinity);
                for (std::size_t w = 0; most && w < wanted.size(); ++w)
                    mine.limit[static_cast<std::size_t>(wanted[w])] = kInfinity;
            }
            for (std::int64_t i = block * kRows; i < std::min(slots_, (block + 1) * kRows); ++i) {
                if (alive_[static_cast<std::size_t>(i)] == 0) continue;
                const T* row = row_of(i);
                const auto offer = [&](std::size_t w, std::size_t limit_at, T distance) {
                    mine.found[w].offer(distance, static_cast<Index>(i));
                    mine.limit[limit_at] = mine.found[w].limit();
                };
                if (most) {
                    for_each_below(row, mine.limit.data(), i + 1, [&](std::int64_t j) {
                        offer(static_cast<std::size_t>(place[static_cast<std::size_t>(j)]), static_cast<std::size_t>(j),
                              row[j]);
                    });
                } else {
                    const auto first = static_cast<std::size_t>(
                        std::upper_bound(wanted.begin(), wanted.end(), static_cast<Index>(i)) - wanted.begin());
                    for (std::size_t w = first; w < wanted.size(); ++w) {
                        if (row[wanted[w]] <= mine.limit[w]) offer(w, w, row[wanted[w]]);
                    }
                }
                const Index own = place[static_cast<std::size_t>(i)];
                if (own < 0) continue;
                Found& list = mine.found[static_cast<std::size_t>(own)];
                for_each_below(row, list, i + 1);
                mine.limit[most ? static_cast<std::size_t>(i) : static_cast<std::size_t>(own)] = list.limit();
            }
        });
        for (std::size_t w = 0; w < wanted.size(); ++w) {
            Found all;
            for (const Mine& part : of_worker) {
                if (part.found.empty()) continue;
                for (const Near& near : part.found[w].near) {
                    if (near.id >= 0) all.offer(near.value, near.id);
                }
            }
            const Index s = wanted[w];
            const auto slot = static_cast<std::size_t>(s);
            // Distances that overflowed are neighbours too.
            nearest[slot] = all.near[0].id >= 0 ? all.near[0].id : first_other(s);
            value[slot] = static_cast<double>(all.near[0].value);
            List& list = lists_[slot];
            list.ids.clear();
            for (std::size_t l = 0; l < kListed && all.near[l].id >= 0; ++l) list.ids.push_back(all.near[l].id);
            list.radius = shrunk(all.limit());
        }
    }

    /// A bound that stays one through the rounding of updates.
    static T shrunk(T radius) { return radius * (T{1} - 64 * std::numeric_limits<T>::epsilon()); }

    /// Calls each(j) for the j from `begin` on with row[j] <= limit[j].
    template <class Each>
    void for_each_below(const T* row, const T* limit, std::int64_t begin, const Each& each) const {
        constexpr std::int64_t kChunk = 16;
        std::int64_t j = begin;
        for (; j + kChunk <= slots_; j += kChunk) {
            int near = 0;
            for (std::int64_t l = 0; l < kChunk; ++l) near |= row[j + l] <= limit[j + l] ? 1 : 0;
            if (near == 0) continue;
            for (std::int64_t l = 0; l < kChunk; ++l) {
                if (row[j + l] <= limit[j + l] && alive_[static_cast<std::size_t>(j + l)] != 0) each(j + l);
            }
        }
        for (; j < slots_; ++j) {
            if (row[j] <= limit[j] && alive_[static_cast<std::size_t>(j)] != 0) each(j);
        }
    }
    /// The same for one list.
    void for_each_below(const T* row, Found& list, std::int64_t begin) const {
        constexpr std::int64_t kChunk = 32;
        for (std::int64_t chunk = begin; chunk < slots_; chunk += kChunk) {
            const std::int64_t end = std::min(slots_, chunk + kChunk);
            const T limit = list.limit();
            int near = 0;
            for (std::int64_t j = chunk; j < end; ++j) near |= row[j] <= limit ? 1 : 0;
            if (near == 0) continue;
            for (std::int64_t j = chunk; j < end; ++j) {
                if (row[j] <= list.limit() && alive_[static_cast<std::size_t>(j)] != 0)
                    list.offer(row[j], static_cast<Index>(j));
            }
        }
    }

    template <LinkageMethod Method>
    void merge_by(const std::vector<LinkagePair>& pairs) {
        std::vector<char> in_pair(sizes_.size(), 0);
        for (const LinkagePair& pair : pairs) {
            in_pair[static_cast<std::size_t>(pair.x)] = 1;
            in_pair[static_cast<std::size_t>(pair.y)] = 1;
        }
        std::vector<Index> others;
        for (std::size_t i = 0; i < alive_.size(); ++i) {
            if (alive_[i] != 0 && in_pair[i] == 0) others.push_back(static_cast<Index>(i));
        }
        const auto count = static_cast<std::int64_t>(pairs.size());
        const int workers = work(count) < kSerialWork ? 1 : num_threads_;
        std::vector<Merge> merges;
        for (const LinkagePair& pair : pairs) merges.push_back({pair.x, pair.y, pair.value, size(pair.x), size(pair.y)});
        parallel_for(static_cast<std::int64_t>(others.size()), kRows, workers, [&](std::int64_t begin, std::int64_t end) {
            const auto first = others.begin() + begin;
            const auto last = others.begin() + end;
            // Merges come with ascending x: those beyond a row's diagonal are the last ones.
            for (auto i = first; i != last; ++i) {
                T* row = row_of(*i);
                const double n_i = size(*i);
                for (auto merge = merges.rbegin(); merge != merges.rend() && merge->x > *i; ++merge)
                    row[merge->y] = updated<Method>(row[merge->x], row[merge->y], *merge, n_i);
            }
            for (const Merge merge : merges) {
                if (merge.x > *(last - 1)) break;
                const T* from_x = row_of(merge.x);
                T* to_y = row_of(merge.y);
                auto i = std::upper_bound(first, last, merge.x);
                for (; i != last && *i < merge.y; ++i) {
                    T& to = row_of(*i)[merge.y];
                    to = updated<Method>(from_x[*i], to, merge, size(*i));
                }
                for (; i != last; ++i) to_y[*i] = updated<Method>(from_x[*i], to_y[*i], merge, size(*i));
            }
        });
        // Between two pairs p before q: p merges first, then q sees its cluster.
        parallel_for(count, 16, workers, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t first = begin; first < end; ++first) {
                const Merge& p = merges[static_cast<std::size_t>(first)];
                for (std::int64_t second = first + 1; second < count; ++second) {
                    const Merge& q = merges[static_cast<std::size_t>(second)];
                    const T to_x = updated<Method>(entry(p.x, q.x), entry(p.y, q.x), p, q.n_x);
                    T& both = entry(p.y, q.y);
                    const T to_y = updated<Method>(entry(p.x, q.y), both, p, q.n_y);
                    both = updated<Method>(to_x, to_y, q, p.n_x + p.n_y);
                }
            }
        });
        for (const LinkagePair& pair : pairs) {
            merge_lists(pair);
            sizes_[static_cast<std::size_t>(pair.y)] += sizes_[static_cast<std::size_t>(pair.x)];
            alive_[static_cast<std::size_t>(pair.x)] = 0;
            into_[static_cast<std::size_t>(pair.x)] = pair.y;
        }
    }

    /// What neither part had in its list is at least as far from the merged cluster as the update makes of both radii.
    void merge_lists(const LinkagePair& pair) {
        List& from = lists_[static_cast<std::size_t>(pair.x)];
        List& to = lists_[static_cast<std::size_t>(pair.y)];
        to.ids.insert(to.ids.end(), from.ids.begin(), from.ids.end());
        const auto x = static_cast<double>(from.radius);
        const auto y = static_cast<double>(to.radius);
        double radius = std::min(x, y);  // holds for every reducible linkage
        if (method_ == LinkageMethod::Average || method_ == LinkageMethod::Weighted ||
            method_ == LinkageMethod::Complete) {
            radius = linkage_update(method_, x, y, pair.value, size(pair.x), size(pair.y), 1.0);
        }
        to.radius = shrunk(static_cast<T>(radius));
        if (to.ids.size() > kMostListed) to = List{};
        from = List{};
    }

    /// row_of(i)[j] is the distance of i < j.
    T* row_of(std::int64_t i) const { return rows_[static_cast<std::size_t>(i)]; }
    T& entry(Index i, Index j) const { return i < j ? row_of(i)[j] : row_of(j)[i]; }
    double size(Index i) const { return sizes_[static_cast<std::size_t>(i)]; }
    std::int64_t work(std::int64_t per_row) const { return slots_ * per_row; }

    template <LinkageMethod Method>
    static T updated(T from_x, T from_y, const Merge& merge, double n_i) {
        return static_cast<T>(linkage_update(Method, static_cast<double>(from_x), static_cast<double>(from_y),
                                             merge.value, merge.n_x, merge.n_y, n_i));
    }

    Index first_other(Index s) const {
        Index i = 0;
        while (i == s || alive_[static_cast<std::size_t>(i)] == 0) ++i;
        return i;
    }

    std::vector<T*> rows_;  ///< see `row_of`
    std::int64_t slots_;
    std::vector<double> sizes_;
    std::vector<char> alive_;
    std::vector<List> lists_;
    std::vector<Index> into_;  ///< the slot that took each slot's cluster
    LinkageMethod method_;
    int num_threads_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_TRIANGLE_HPP
