#include "cli/archive_access.h"

#include <ostream>

#include "cli/text.h"
#include "recorder/derived_archive.h"

namespace reprise::cli {

ExitCode exit_code_of(const archive::Error& error) {
  return error.kind == archive::Error::Kind::kDamaged ? ExitCode::kDamaged : ExitCode::kUsage;
}

tl::expected<std::unique_ptr<archive::Reader>, ExitCode> open_archive(const std::string& path,
                                                                      Terminal& terminal) {
  const auto tell = [&](std::uint64_t bytes) {
    constexpr std::uint64_t kSoonDone = 8u << 20;
    if (bytes < kSoonDone) return;
    terminal.err() << "reprise: working out what happened in " << printable(path) << ", "
                   << size_text(bytes) << " as it was taken down; once\n";
  };
  auto reader = recorder::open_archive(path, tell);
  if (reader) return std::move(*reader);
  terminal.error(reader.error().message);
  return tl::unexpected(exit_code_of(reader.error()));
}

ExitCode remark_on_state(const archive::Reader& reader, const std::string& path,
                         Terminal& terminal) {
  if (!reader.trailer()) {
    terminal.out().flush();
    terminal.err() << terminal.paint(Style::kWarning, "note: ")
                   << "this recording was cut off, or is still being written\n";
  }
  if (reader.damage().empty()) return ExitCode::kHeld;
  terminal.error(path + " is damaged in " + count_text(reader.damage().size(), "place") +
                 "; what is whole was read. `reprise verify " + shell_word(path) + "` lists them");
  return ExitCode::kDamaged;
}

std::optional<std::int64_t> duration_of(const archive::Header& header,
                                        const event::Exchange& exchange) {
  if (exchange.last_byte_out.ticks == 0) return std::nullopt;
  return header.nanoseconds(exchange.first_byte_in, exchange.last_byte_out);
}

std::optional<std::int64_t> duration_of(const archive::Header& header, const event::Call& call) {
  if (call.last_byte_in.ticks == 0) return std::nullopt;
  return header.nanoseconds(call.first_byte_out, call.last_byte_in);
}

std::string context_text(const event::Context& context) {
  switch (context.kind) {
    case event::Context::Kind::kBackground:
      return "background";
    case event::Context::Kind::kUnattributed:
      return "unattributed";
    case event::Context::Kind::kExchange:
      break;
  }
  return "exchange " + std::to_string(context.exchange.value);
}

const char* protocol_text(event::Protocol protocol) {
  switch (protocol) {
    case event::Protocol::kHttp1:
      return "http";
    case event::Protocol::kResp:
      return "redis";
    case event::Protocol::kPostgres:
      return "postgres";
    case event::Protocol::kHttp2:
      return "http2";
    case event::Protocol::kAnnotated:
      return "annotated";
    case event::Protocol::kUdp:
      return "udp";
    case event::Protocol::kOpaque:
      return "opaque";
    case event::Protocol::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace reprise::cli
