#include "event/projection_difference.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "event/byte_digest.h"

namespace reprise::event {
namespace {

// Of facts whose bytes are at hand: from a little before where they differ.
std::string text_from(const CanonicalFact& fact, std::size_t at) {
  constexpr std::size_t kBefore = 20;
  const std::size_t from = at < kBefore ? 0 : at - kBefore;
  return fact.what + " (" + std::to_string(fact.size) + " bytes, from byte " +
         std::to_string(from) + " `" + excerpt_of(fact.bytes, from) + "`)";
}

using Facts = std::vector<CanonicalFact>;

const CanonicalFact* fact_at(const Facts& facts, std::size_t index) {
  return index < facts.size() ? &facts[index] : nullptr;
}

// Facts of one context on both sides.
struct Sides {
  const ContextKey* key = nullptr;
  const Facts* one = nullptr;
  const Facts* other = nullptr;

  std::size_t mismatch() const {
    const auto same = [](const CanonicalFact& a, const CanonicalFact& b) { return a.same(b); };
    const auto at = std::mismatch(one->begin(), one->end(), other->begin(), other->end(), same);
    return static_cast<std::size_t>(at.first - one->begin());
  }
};

// A fact of any of several contexts.
struct Found {
  const ContextKey* key = nullptr;
  std::size_t index = 0;
  const CanonicalFact* fact = nullptr;
};

// Looks for the earliest difference.
class Comparison {
 public:
  Comparison(const Projection& one, const Projection& other) : one_(one), other_(other) {}

  void compare_arrivals();
  // Threads of a process that do not work for exchanges are interchangeable: whichever of a pool
  // wakes does what there is to do. So what differs on several of them is compared regardless of
  // the thread.
  void compare(const char* kind, const Projection::Sequences& one,
               const Projection::Sequences& other);
  std::optional<ProjectionDifference> take() {
    if (first_) first_->contexts = std::move(contexts_);
    return std::move(first_);
  }

 private:
  void compare_one(const char* kind, const Sides& sides);
  void compare_pool(const char* kind, const std::vector<Sides>& threads);
  void differ(const char* kind, const Found& here, const Found& there);
  static std::optional<CodePlace> place(const Projection& projection, const CanonicalFact* fact);

  const Projection& one_;
  const Projection& other_;
  std::optional<ProjectionDifference> first_;
  std::set<ContextKey> contexts_;
  std::uint64_t at_ = 0;
};

void Comparison::compare_arrivals() {
  const auto begin = [](const Projection& projection, const ContextKey& key) {
    const auto facts = projection.facts.find(key);
    return facts == projection.facts.end() ? 0 : facts->second.front().at;
  };
  const auto [a, b] = std::mismatch(one_.arrivals.begin(), one_.arrivals.end(),
                                    other_.arrivals.begin(), other_.arrivals.end());
  const bool here = a != one_.arrivals.end(), there = b != other_.arrivals.end();
  if (!here && !there) return;
  ProjectionDifference difference;
  difference.context = here ? *a : *b;
  difference.which = "arrival " + std::to_string(a - one_.arrivals.begin() + 1);
  difference.one = here ? a->name() : "nothing";
  difference.other = there ? b->name() : "nothing";
  at_ = here ? begin(one_, *a) : begin(other_, *b);
  contexts_.insert(difference.context);
  first_ = std::move(difference);
}

std::optional<CodePlace> Comparison::place(const Projection& projection,
                                           const CanonicalFact* fact) {
  if (fact == nullptr || fact->place == 0) return std::nullopt;
  return projection.places[fact->place];
}

void Comparison::differ(const char* kind, const Found& here, const Found& there) {
  const CanonicalFact* one = here.fact;
  const CanonicalFact* other = there.fact;
  const Found& either = one != nullptr ? here : there;
  contexts_.insert(*either.key);
  if (first_ && either.fact->at >= at_) return;
  at_ = either.fact->at;
  ProjectionDifference difference{*either.key,
                                  kind + (" " + std::to_string(either.index + 1)),
                                  one != nullptr ? one->text() : "nothing",
                                  other != nullptr ? other->text() : "nothing",
                                  place(one_, one),
                                  place(other_, other)};
  if (one != nullptr && other != nullptr && one->what == other->what && !one->bytes.empty() &&
      !other->bytes.empty()) {
    const auto differs = std::mismatch(one->bytes.begin(), one->bytes.end(), other->bytes.begin(),
                                       other->bytes.end());
    const auto offset = static_cast<std::size_t>(differs.first - one->bytes.begin());
    difference.one = text_from(*one, offset);
    difference.other = text_from(*other, offset);
  }
  first_ = std::move(difference);
}

// Every fact of all of them, in an order that is the same on both sides.
std::vector<Found> sorted(const std::vector<Sides>& threads, const Facts* Sides::*side) {
  std::vector<Found> all;
  for (const Sides& thread : threads) {
    const Facts& facts = *(thread.*side);
    for (std::size_t i = 0; i < facts.size(); ++i) all.push_back({thread.key, i, &facts[i]});
  }
  const auto order = [](const Found& found) {
    const CanonicalFact& fact = *found.fact;
    return std::tie(fact.what, fact.value, fact.size, fact.hash, fact.at);
  };
  std::sort(all.begin(), all.end(),
            [&](const Found& a, const Found& b) { return order(a) < order(b); });
  return all;
}

// The earliest of those that `other` has not; both are sorted.
Found earliest_surplus(const std::vector<Found>& these, const std::vector<Found>& those) {
  const auto less = [](const Found& a, const Found& b) {
    const CanonicalFact &x = *a.fact, &y = *b.fact;
    return std::tie(x.what, x.value, x.size, x.hash) < std::tie(y.what, y.value, y.size, y.hash);
  };
  std::vector<Found> surplus;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(surplus), less);
  const auto first =
      std::min_element(surplus.begin(), surplus.end(),
                       [](const Found& a, const Found& b) { return a.fact->at < b.fact->at; });
  return first == surplus.end() ? Found{} : *first;
}

void Comparison::compare_one(const char* kind, const Sides& sides) {
  const std::size_t index = sides.mismatch();
  differ(kind, {sides.key, index, fact_at(*sides.one, index)},
         {sides.key, index, fact_at(*sides.other, index)});
}

void Comparison::compare_pool(const char* kind, const std::vector<Sides>& threads) {
  if (threads.size() == 1) return compare_one(kind, threads.front());
  const std::vector<Found> one = sorted(threads, &Sides::one);
  const std::vector<Found> other = sorted(threads, &Sides::other);
  const Found here = earliest_surplus(one, other), there = earliest_surplus(other, one);
  if (here.fact != nullptr || there.fact != nullptr) differ(kind, here, there);
}

void Comparison::compare(const char* kind, const Projection::Sequences& one,
                         const Projection::Sequences& other) {
  static const Facts kNone;
  using Pool = std::pair<Context::Kind, std::string>;
  std::map<Pool, std::vector<Sides>> pools;
  const auto look = [&](const Sides& sides) {
    if (sides.mismatch() == std::max(sides.one->size(), sides.other->size())) return;
    if (sides.key->kind == Context::Kind::kExchange) {
      compare_one(kind, sides);
    } else {
      pools[{sides.key->kind, sides.key->process}].push_back(sides);
    }
  };
  auto a = one.begin();
  auto b = other.begin();
  while (a != one.end() || b != other.end()) {
    if (b == other.end() || (a != one.end() && a->first < b->first)) {
      look({&a->first, &a->second, &kNone});
      ++a;
    } else if (a == one.end() || b->first < a->first) {
      look({&b->first, &kNone, &b->second});
      ++b;
    } else {
      look({&a->first, &a->second, &b->second});
      ++a;
      ++b;
    }
  }
  for (const auto& [pool, threads] : pools) compare_pool(kind, threads);
}

}  // namespace

std::optional<ProjectionDifference> first_difference(const Projection& one,
                                                     const Projection& other) {
  Comparison comparison(one, other);
  comparison.compare_arrivals();
  comparison.compare("fact", one.facts, other.facts);
  comparison.compare("log line", one.log, other.log);
  return comparison.take();
}

}  // namespace reprise::event
