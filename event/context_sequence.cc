#include "event/context_sequence.h"

#include <utility>

namespace reprise::event {

ContextSequence::Stream& ContextSequence::stream(ConnectionId id, const std::string& peer) {
  const auto [found, added] = streams_.try_emplace(id);
  if (added) {
    const std::uint64_t number = ++names_[peer];
    found->second.name = number == 1 ? peer : peer + " #" + std::to_string(number);
  }
  return found->second;
}

ContextSequence::Entry& ContextSequence::begin(std::string what) {
  Entry& entry = entries_.emplace_back();
  entry.fact.what = std::move(what);
  entry.fact.at = now_;
  if (whole_) entry.bytes.keep_whole();
  return entry;
}

std::size_t ContextSequence::open_run(const std::string& what) {
  begin(what).run = true;
  return entries_.size() - 1;
}

void ContextSequence::receive(ConnectionId id, const std::string& peer,
                              std::span<const std::uint8_t> bytes) {
  Stream& on = stream(id, peer);
  on.sent.reset();
  on.file.reset();
  if (!on.received) on.received = open_run("received from " + on.name);
  entries_[*on.received].bytes.add(bytes);
}

void ContextSequence::announce(ConnectionId id, const std::string& peer) {
  Stream& on = stream(id, peer);
  on.received.reset();
  on.file.reset();
  if (!on.sent) on.sent = open_run("sent to " + on.name);
}

void ContextSequence::send(ConnectionId id, const std::string& peer,
                           std::span<const std::uint8_t> bytes) {
  announce(id, peer);
  entries_[*stream(id, peer).sent].bytes.add(bytes);
}

void ContextSequence::send_file(ConnectionId id, const std::string& peer, const std::string& path,
                                ByteRange range) {
  Stream& on = stream(id, peer);
  on.received.reset();
  on.sent.reset();
  if (on.file && entries_[*on.file].path == path && entries_[*on.file].range.end == range.begin) {
    entries_[*on.file].range.end = range.end;
    return;
  }
  put("sent a file to " + on.name);
  on.file = entries_.size() - 1;
  entries_.back().path = path;
  entries_.back().range = range;
}

void ContextSequence::interrupt(ConnectionId id, const std::string& peer, const std::string& what,
                                const std::string& value) {
  Stream& on = stream(id, peer);
  on.received.reset();
  on.sent.reset();
  on.file.reset();
  put(what + " " + on.name, value);
}

void ContextSequence::connect(ConnectionId id, const std::string& peer,
                              std::optional<std::string> outcome) {
  Stream& on = stream(id, peer);
  put("connected to " + on.name, outcome.value_or("in progress"));
  if (!outcome) on.connecting = entries_.size() - 1;
}

void ContextSequence::finish_connect(ConnectionId id, const std::string& outcome) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.connecting) return;
  entries_[*found->second.connecting].fact.value = outcome;
  found->second.connecting.reset();
}

void ContextSequence::put(std::string what, std::string value,
                          std::span<const std::uint8_t> bytes) {
  Entry& entry = begin(std::move(what));
  entry.fact.value = std::move(value);
  entry.bytes.add(bytes);
}

void ContextSequence::put(const Draw& draw, std::uint32_t place) {
  Entry& entry = begin(draw.name());
  entry.fact.place = place;
  if (draw.kind == Draw::Kind::kRandom) {
    entry.bytes.add(draw.bytes);
    return;
  }
  entry.fact.value = std::to_string(draw.value_ns);
}

void ContextSequence::log(std::uint8_t stream, std::span<const std::uint8_t> bytes) {
  std::string& line = lines_[stream];
  for (const std::uint8_t byte : bytes) {
    if (byte != '\n') {
      line += static_cast<char>(byte);
      continue;
    }
    end_line(stream);
  }
}

void ContextSequence::end_line(std::uint8_t stream) {
  CanonicalFact& line = log_.emplace_back();
  line.what = stream == 2 ? "stderr" : "stdout";
  line.value = std::exchange(lines_[stream], {});
  line.at = now_;
}

std::vector<CanonicalFact> ContextSequence::take_facts() {
  std::vector<CanonicalFact> facts;
  for (Entry& entry : entries_) {
    // Announced, and not a byte accepted.
    if (entry.run && entry.bytes.size() == 0) continue;
    if (entry.bytes.size() != 0) {
      entry.fact.size = entry.bytes.size();
      entry.fact.hash = entry.bytes.hash();
      entry.fact.excerpt = entry.bytes.excerpt();
      entry.fact.bytes = entry.bytes.whole();
    }
    if (!entry.path.empty()) {
      entry.fact.value = entry.path + " from " + std::to_string(entry.range.begin) + " to " +
                         std::to_string(entry.range.end);
    }
    facts.push_back(std::move(entry.fact));
  }
  entries_.clear();
  return facts;
}

std::vector<CanonicalFact> ContextSequence::take_log() {
  for (auto& [stream, line] : lines_) {
    if (!line.empty()) end_line(stream);
  }
  lines_.clear();
  return std::move(log_);
}

}  // namespace reprise::event
