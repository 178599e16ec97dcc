#include "protocol/postgresql/startup.h"

namespace reprise::protocol::postgresql {
namespace {

constexpr std::uint32_t kCancelCode = 80877102, kSslCode = 80877103, kGssCode = 80877104;
constexpr std::uint32_t kMajor = 3;
constexpr std::uint32_t kCancelLength = 16;

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

std::uint32_t read_u32(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(text[at + i]);
  }
  return value;
}

std::optional<StartupKind> startup_kind(std::uint32_t length, std::uint32_t code) {
  if (length < kStartupHead || length > kMaxStartup) return std::nullopt;
  if (code == kCancelCode) {
    // Version 3.2 has longer keys.
    return length >= kCancelLength ? std::optional(StartupKind::kCancel) : std::nullopt;
  }
  if (code == kSslCode || code == kGssCode) {
    if (length != kStartupHead) return std::nullopt;
    return code == kSslCode ? StartupKind::kSsl : StartupKind::kGss;
  }
  const bool has_parameters = length > kStartupHead + 1;
  return code >> 16 == kMajor && has_parameters ? std::optional(StartupKind::kStartup)
                                                : std::nullopt;
}

std::optional<bool> is_startup(std::string_view first) {
  if (!first.starts_with('\0')) return first.empty() ? std::nullopt : std::optional(false);
  // The length is below 64 KiB.
  if (first.size() > 1 && first[1] != '\0') return false;
  if (first.size() < kStartupHead) return std::nullopt;
  const auto kind = startup_kind(read_u32(first), read_u32(first, 4));
  if (!kind) return false;
  if (*kind != StartupKind::kStartup) return true;
  if (first.size() == kStartupHead) return std::nullopt;
  return begins_name(first[kStartupHead]);
}

}  // namespace reprise::protocol::postgresql
