#include "event/projection_difference.h"

#include <algorithm>
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

// Looks for the earliest difference.
class Comparison {
 public:
  Comparison(const Projection& one, const Projection& other) : one_(one), other_(other) {}

  void compare_arrivals();
  void compare(const char* kind, const Projection::Sequences& one,
               const Projection::Sequences& other);
  std::optional<ProjectionDifference> take() { return std::move(first_); }

 private:
  using Facts = std::vector<CanonicalFact>;
  void compare(const char* kind, const ContextKey& key, const Facts& one, const Facts& other);
  bool is_earlier(std::uint64_t at) const { return !first_ || at < at_; }
  static std::optional<CodePlace> place(const Projection& projection, const CanonicalFact* fact);

  const Projection& one_;
  const Projection& other_;
  std::optional<ProjectionDifference> first_;
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
  first_ = std::move(difference);
}

std::optional<CodePlace> Comparison::place(const Projection& projection,
                                           const CanonicalFact* fact) {
  if (fact == nullptr || fact->place == 0) return std::nullopt;
  return projection.places[fact->place];
}

void Comparison::compare(const char* kind, const ContextKey& key, const Facts& one,
                         const Facts& other) {
  const auto [a, b] =
      std::mismatch(one.begin(), one.end(), other.begin(), other.end(),
                    [](const CanonicalFact& x, const CanonicalFact& y) { return x.same(y); });
  const CanonicalFact* here = a == one.end() ? nullptr : &*a;
  const CanonicalFact* there = b == other.end() ? nullptr : &*b;
  if (here == nullptr && there == nullptr) return;
  const std::uint64_t at = here != nullptr ? here->at : there->at;
  if (!is_earlier(at)) return;
  at_ = at;
  ProjectionDifference difference{key,
                                  kind + (" " + std::to_string(a - one.begin() + 1)),
                                  here != nullptr ? here->text() : "nothing",
                                  there != nullptr ? there->text() : "nothing",
                                  place(one_, here),
                                  place(other_, there)};
  if (here != nullptr && there != nullptr && here->what == there->what && !here->bytes.empty() &&
      !there->bytes.empty()) {
    const auto differs = std::mismatch(here->bytes.begin(), here->bytes.end(), there->bytes.begin(),
                                       there->bytes.end());
    const auto offset = static_cast<std::size_t>(differs.first - here->bytes.begin());
    difference.one = text_from(*here, offset);
    difference.other = text_from(*there, offset);
  }
  first_ = std::move(difference);
}

void Comparison::compare(const char* kind, const Projection::Sequences& one,
                         const Projection::Sequences& other) {
  static const Facts kNone;
  auto a = one.begin();
  auto b = other.begin();
  while (a != one.end() || b != other.end()) {
    if (b == other.end() || (a != one.end() && a->first < b->first)) {
      compare(kind, a->first, a->second, kNone);
      ++a;
    } else if (a == one.end() || b->first < a->first) {
      compare(kind, b->first, kNone, b->second);
      ++b;
    } else {
      compare(kind, a->first, a->second, b->second);
      ++a;
      ++b;
    }
  }
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
