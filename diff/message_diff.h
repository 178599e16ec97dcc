// Differences of two messages: first line, headers, body.
//
// Compared is what a reader of the message could tell apart: names of headers without case and in
// whatever order, the values of one name in theirs; bodies decoded. How a body was chunked or
// compressed is not, except through the headers that say so.
#pragma once

#include <string>

#include "diff/difference.h"
#include "protocol/message.h"

namespace reprise::diff {

// Append to `differences`; `where` is what the message is called: "response", "call[1].request".
void compare_requests(const protocol::Message& base, const protocol::Message& candidate,
                      const std::string& where, Differences& differences);
void compare_responses(const protocol::Message& base, const protocol::Message& candidate,
                       const std::string& where, Differences& differences);

}  // namespace reprise::diff
