#include "cli/run_comparison.h"

#include <memory>
#include <utility>

#include "archive/reader.h"
#include "cli/code_place.h"

namespace reprise::cli {
namespace {

tl::expected<event::Projection, std::string> projection_of(
    const std::string& archive, std::optional<event::ContextKey> whole = std::nullopt) {
  const auto opened = archive::Reader::open(archive);
  if (!opened) return tl::unexpected(opened.error().message);
  archive::Reader& reader = **opened;
  event::Projector projector(std::move(whole));
  const auto add = [&](const auto& what) {
    projector.add(what);
    return true;
  };
  reader.each_connection([&](const event::Connection& connection) { return add(connection); });
  reader.each_exchange([&](const event::Exchange& exchange) { return add(exchange); });
  reader.each_event([&](const event::Event& event) { return add(event); });
  if (!reader.damage().empty()) return tl::unexpected(archive + " is damaged");
  return projector.finish();
}

std::string words_of(const std::optional<event::CodePlace>& place) {
  return place ? code_place_text(*place) : std::string();
}

}  // namespace

event::ExchangeId RunComparison::exchange_of(const event::ContextKey& context) const {
  if (context.kind != event::Context::Kind::kExchange) return {};
  const replayer::RecordedExchange* exchange =
      plan_.exchange(event::ConnectionId{context.connection}, context.ordinal);
  return exchange == nullptr ? event::ExchangeId{} : exchange->id;
}

tl::expected<replayer::FirstDifference, std::string> RunComparison::explain(
    const event::ContextKey& context, const std::string& archive) const {
  const auto one = projection_of(first_archive_, context);
  if (!one) return tl::unexpected(one.error());
  const auto other = projection_of(archive, context);
  if (!other) return tl::unexpected(other.error());
  const auto difference = event::first_difference(*one, *other);
  if (!difference) return tl::unexpected(archive + " changed while it was compared");
  replayer::FirstDifference first;
  first.exchange = exchange_of(context);
  first.context = context.name();
  first.which = difference->which;
  first.one = {1, difference->one, words_of(difference->one_place)};
  first.other = {result_.runs, difference->other, words_of(difference->other_place)};
  return first;
}

// The run that was taken in last differs so from the first.
void RunComparison::note(const event::ProjectionDifference& difference) {
  result_.differing.push_back(result_.runs);
  for (const event::ContextKey& context : difference.contexts) {
    if (const event::ExchangeId exchange = exchange_of(context)) {
      result_.exchanges.insert(exchange);
    } else {
      result_.elsewhere = true;
    }
  }
}

tl::expected<bool, std::string> RunComparison::add(const std::string& archive) {
  auto projection = projection_of(archive);
  if (!projection) return tl::unexpected(projection.error());
  ++result_.runs;
  if (result_.runs == 1) {
    first_archive_ = archive;
    first_ = *std::move(projection);
    result_.identical = 1;
    return true;
  }
  const auto difference = event::first_difference(first_, *projection);
  if (!difference) {
    ++result_.identical;
    return true;
  }
  note(*difference);
  if (!result_.first_difference) {
    projection = event::Projection();
    auto first = explain(difference->context, archive);
    if (!first) return tl::unexpected(first.error());
    result_.first_difference = *std::move(first);
  }
  return false;
}

}  // namespace reprise::cli
