// The search of multi-index hashing, never much dearer than a scan, whatever the codes.
//
// By the generalized pigeonhole (Norouzi, Punjani and Fleet, PAMI 2014, section 3.1), a code within the radius is, for
// some substring i, within units[i] - 1 bits of the query's, wherever the units add up to radius + 1; a substring of
// no unit is left alone. How the units are dealt out is free, so a query spends them where they cost least: a shell
// (the values at one distance from the query's) costs its probes and the codes that have these values, which
// the tables tell before any code is read. Where even the cheapest way is dearer than a scan, the codes are scanned.

#pragma once

#include <algorithm>
#include <limits>
#include <new>

#include "mih.h"

namespace hashmatch {

// Queries of which those that are to be scanned are scanned together.
constexpr size_t kTogether = 64;

// Most units of one substring: shells beyond have more values than a search can afford.
constexpr int kMaxUnits = 8;
constexpr int kMaxTotal = kMaxSubstrings * kMaxUnits;
// Costs in nanoseconds, on an EPYC of the fourth generation; they are of memory more than of instructions. A probe takes
// 13 to 18 and a candidate 5 to 16, as the tables outgrow the caches.
constexpr double kProbeCost = 14;
constexpr double kCandidateCost = 10;
// Of 32 bytes that come from memory, once for all queries that are scanned together.
constexpr double kStreamCost = 1.2;
// Of one sum that `cheapest` makes.
constexpr double kDealCost = 1;
// A plan stands where it costs at most so many times what uniform codes would.
constexpr double kTolerance = 1.5;
// A query that spent this share of a scan on planning is scanned.
constexpr double kPlanningShare = 0.25;
// How many probes, and runs of candidates, ahead memory is asked for.
constexpr size_t kProbesAhead = 32;
// Candidates compared at once, and codes scanned at once for several queries: they fit in the first-level cache.
constexpr size_t kBlock = 1024;
constexpr size_t kScanned = 512;

// How many units each substring gets, and what that costs.
struct Plan {
    uint8_t units[kMaxSubstrings];
    double cost;
};

// By substring and shell.
typedef double Costs[kMaxSubstrings][kMaxUnits];

// The cheapest way to deal out units: dynamic programming over the substrings. Infinite cost where there is none.
inline Plan cheapest(const Costs& costs, const Mih& mih, int total) {
    constexpr double kNever = std::numeric_limits<double>::infinity();
    if (total > mih.count * kMaxUnits) return {{}, kNever};
    double best[kMaxTotal + 1], next[kMaxTotal + 1];
    uint8_t choice[kMaxSubstrings][kMaxTotal + 1];
    std::fill(best, best + total + 1, kNever);
    best[0] = 0;
    for (int i = 0; i < mih.count; i++) {
        std::fill(next, next + total + 1, kNever);
        double cost = 0;
        for (int units = 0; units <= std::min({kMaxUnits, mih.substrings[i].width + 1, total}); units++) {
            if (units) cost += costs[i][units - 1];
            for (int sum = units; sum <= total; sum++) {
                if (best[sum - units] + cost >= next[sum]) continue;
                next[sum] = best[sum - units] + cost;
                choice[i][sum] = static_cast<uint8_t>(units);
            }
        }
        std::copy(next, next + total + 1, best);
    }
    Plan plan{{}, best[total]};
    if (plan.cost == kNever) return plan;
    for (int i = mih.count, sum = total; i-- > 0; sum -= plan.units[i]) plan.units[i] = choice[i][sum];
    return plan;
}

// The next larger number with as many ones (HAKMEM 175, after Gosper); of a non-zero number.
inline uint32_t next_of_weight(uint32_t mask) {
    const uint32_t filled = mask | (mask - 1);
    return (filled + 1) | (((~filled & (filled + 1)) - 1) >> (__builtin_ctz(mask) + 1));
}

// The positions that one value's codes have in `ids`.
struct Run {
    const uint32_t* ids;
    uint32_t count;
    uint16_t substring, shell;
};

class Search {
  public:
    // `together` is how many queries there are.
    Search(const Kernels& kernels, const Mih& mih, int radius, size_t together)
        : kernels_(kernels), mih_(mih), radius_(radius) {
        const double codes = static_cast<double>(mih.codes.count);
        const double streamed = kStreamCost / static_cast<double>(std::min(std::max(together, size_t{1}), kTogether));
        scan_cost_ = codes * (kernels.scanned + streamed) * static_cast<double>(mih.codes.bytes) / 32;
        for (int i = 0; i < mih.count; i++) {
            const int width = mih.substrings[i].width;
            const double shared = codes / static_cast<double>(size_t{1} << width);
            size_t values = 1;
            for (int shell = 0; shell < kMaxUnits; shell++) {
                values_[i][shell] = values;
                expected_[i][shell] = static_cast<double>(values) * (kProbeCost + kCandidateCost * shared);
                values = shell < width ? values * static_cast<size_t>(width - shell) / static_cast<size_t>(shell + 1) : 0;
            }
        }
        usual_ = cheapest(expected_, mih, radius + 1);
    }

    // Adds a query's hits. Returns false, adding none, where it had better be scanned.
    bool probe(const uint8_t* query, std::vector<Hit>& hits) {
        Plan plan = usual_;
        std::copy(&expected_[0][0], &expected_[0][0] + mih_.count * kMaxUnits, &costs_[0][0]);
        std::fill(counted_, counted_ + mih_.count, uint8_t{0});
        runs_.clear();
        double spent = 0;
        while (plan.cost < scan_cost_) {
            const double planned = plan.cost;
            const size_t probes = missing(plan);
            if (!probes) {
                compare(query, plan, hits);
                return true;
            }
            spent += kProbeCost * static_cast<double>(probes);
            if (spent > kPlanningShare * scan_cost_) return false;
            count(query, plan, probes);
            plan.cost = cost(plan);
            if (plan.cost <= std::min(kTolerance * planned, scan_cost_)) continue;
            spent += kDealCost * mih_.count * kMaxUnits * (radius_ + 1);
            if (spent > kPlanningShare * scan_cost_) return false;
            plan = cheapest(costs_, mih_, radius_ + 1);
        }
        return false;
    }

    // Finds the hits of several queries by comparing all codes: those of queries[k] become hits[k].
    //
    // Drops queries from the end, all but one, while the hits are more than `most`; returns how many are left.
    size_t scan(const std::vector<const uint8_t*>& queries, size_t most, std::vector<std::vector<Hit>>& hits) const {
        Hit found[kScanned];
        size_t left = queries.size(), total = 0;
        for (size_t first = 0; first < mih_.codes.count; first += kScanned) {
            const size_t codes = std::min(kScanned, mih_.codes.count - first);
            for (size_t k = 0; k < left; k++) {
                const size_t count = kernels_.between(mih_.codes, first, codes, queries[k], radius_, found);
                for (size_t j = 0; j < count; j++)
                    hits[k].push_back({static_cast<uint32_t>(first + found[j].position), found[j].distance});
                total += count;
            }
            for (; left > 1 && total > most; left--) {
                total -= hits[left - 1].size();
                std::vector<Hit>().swap(hits[left - 1]);
            }
        }
        return left;
    }

  private:
    // How many values a plan's shells have that were not looked up yet.
    size_t missing(const Plan& plan) const {
        size_t values = 0;
        for (int i = 0; i < mih_.count; i++)
            for (int shell = counted_[i]; shell < plan.units[i]; shell++) values += values_[i][shell];
        return values;
    }

    double cost(const Plan& plan) const {
        double sum = 0;
        for (int i = 0; i < mih_.count; i++)
            for (int shell = 0; shell < plan.units[i]; shell++) sum += costs_[i][shell];
        return sum;
    }

    // Looks up the values that are missing, so many: their runs, and what their shells cost.
    void count(const uint8_t* query, const Plan& plan, size_t probes) {
        probes_.assign(probes + kProbesAhead, mih_.substrings[0].starts);
        const uint32_t** end = probes_.data();
        for (int i = 0; i < mih_.count; i++) {
            const uint32_t* const centre = mih_.substrings[i].starts;
            const uint32_t value = mih_.substrings[i].value(query);
            for (int shell = counted_[i]; shell < plan.units[i]; shell++) {
                uint32_t mask = (1u << shell) - 1;
                for (size_t k = 0; k < values_[i][shell]; k++) {
                    if (k) mask = next_of_weight(mask);
                    *end++ = centre + (value ^ mask);
                }
            }
        }
        const uint32_t* const* probe = probes_.data();
        for (int i = 0; i < mih_.count; i++) {
            for (int shell = counted_[i]; shell < plan.units[i]; shell++) {
                size_t candidates = 0;
                for (size_t k = 0; k < values_[i][shell]; k++, probe++) {
                    __builtin_prefetch(probe[kProbesAhead]);
                    const uint32_t first = (*probe)[0], last = (*probe)[1];
                    if (first == last) continue;
                    runs_.push_back({mih_.substrings[i].ids + first, last - first, static_cast<uint16_t>(i),
                                     static_cast<uint16_t>(shell)});
                    candidates += last - first;
                }
                costs_[i][shell] = kProbeCost * static_cast<double>(values_[i][shell]) +
                                   kCandidateCost * static_cast<double>(candidates);
            }
            counted_[i] = std::max(counted_[i], plan.units[i]);
        }
    }

    // Adds the hits among the codes that a plan's shells have.
    void compare(const uint8_t* query, const Plan& plan, std::vector<Hit>& hits) const {
        uint32_t ids[kBlock];
        uint16_t substrings[kBlock];
        size_t size = 0;
        const auto flush = [&] {
            Hit found[kBlock];
            const size_t count = kernels_.among(mih_.codes, ids, size, query, radius_, found);
            for (size_t k = 0; k < count; k++) {
                const uint32_t id = ids[found[k].position];
                if (first_found(query, mih_.codes.at(id), plan, substrings[found[k].position]))
                    hits.push_back({id, found[k].distance});
            }
            size = 0;
        };
        for (size_t r = 0; r < runs_.size(); r++) {
            if (r + kProbesAhead < runs_.size()) __builtin_prefetch(runs_[r + kProbesAhead].ids);
            const Run& run = runs_[r];
            if (run.shell >= plan.units[run.substring]) continue;
            for (uint32_t k = 0; k < run.count; k++) {
                ids[size] = run.ids[k];
                substrings[size] = run.substring;
                if (++size == kBlock) flush();
            }
        }
        flush();
    }

    // Whether no substring before this one finds the code too: a code that several find is a hit only once.
    bool first_found(const uint8_t* query, const uint8_t* code, const Plan& plan, int substring) const {
        for (int i = 0; i < substring; i++) {
            const Substring& part = mih_.substrings[i];
            if (__builtin_popcount(part.value(query) ^ part.value(code)) < plan.units[i]) return false;
        }
        return true;
    }

    const Kernels& kernels_;
    const Mih& mih_;
    const int radius_;
    double scan_cost_;
    size_t values_[kMaxSubstrings][kMaxUnits];
    Costs expected_;
    Plan usual_;
    // Of the query at hand.
    Costs costs_;
    uint8_t counted_[kMaxSubstrings];
    std::vector<const uint32_t*> probes_;
    std::vector<Run> runs_;
};

}  // namespace hashmatch
