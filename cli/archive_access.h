// Opening an archive the same way in every command, and saying the same things about its state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "archive/reader.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace reprise::cli {

// Tells the user what is wrong when there is no reader.
[[nodiscard]] tl::expected<std::unique_ptr<archive::Reader>, ExitCode> open_archive(
    const std::string& path, Terminal& terminal);

ExitCode exit_code_of(const archive::Error& error);

// Remarks on stderr: the recording was cut off, blocks are damaged. kDamaged when some are.
[[nodiscard]] ExitCode remark_on_state(const archive::Reader& reader, const std::string& path,
                                       Terminal& terminal);

// From the first byte in to the last byte out; none while there is no response.
std::optional<std::int64_t> duration_of(const archive::Header& header,
                                        const event::Exchange& exchange);
// From the first byte out to the last byte in; none while there is no answer.
std::optional<std::int64_t> duration_of(const archive::Header& header, const event::Call& call);

// "background", "unattributed", "exchange 7".
std::string context_text(const event::Context& context);
// "http", "redis", "opaque", …
const char* protocol_text(event::Protocol protocol);

}  // namespace reprise::cli
