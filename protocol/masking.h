// What of a message proves who somebody is, and so is not shown: passwords, tokens, cookies, keys.
// The one place that says what that is in each protocol. What two messages are compared by is
// never masked, only what is said of the outcome.
//
// HTTP: headers whose names say it (event/secrecy.h); the scheme of an Authorization and the names
// of cookies stay. Redis: AUTH, HELLO, MIGRATE, ACL SETUSER, and settings whose names say it.
// PostgreSQL: passwords and SASL messages, and what a server sends to have them made (salts,
// nonces, signatures: a password can be guessed with those), keys for cancelling. Bodies,
// statements, values and opaque bytes are what the service works with, and are shown.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message.h"

namespace reprise::protocol {

// Replaces by "***" what is not shown; whether there was any. The bytes of a message that consists
// of nothing else are replaced by how many they are.
bool mask(Message& message);

// Whether bytes that cannot be read as `protocol`, being cut off, may be part of such a message.
[[nodiscard]] bool may_prove_identity(event::Protocol protocol,
                                      std::span<const std::uint8_t> bytes);

// The value of a header of HTTP as it may be shown.
[[nodiscard]] std::string masked_header(std::string_view name, const std::string& value);

// The arguments of a Redis command as they may be shown, as many as there are.
[[nodiscard]] std::vector<std::string> masked_arguments(const std::vector<std::string>& arguments);

}  // namespace reprise::protocol
