// A place in a program's code, in words. Function and line come from addr2line(1), where that is
// installed and the file has them.
#pragma once

#include <string>

#include "event/modules.h"

namespace reprise::cli {

// Of a return address: "checkout+0x12ab, in handle() at checkout.cc:12", "libfoo.so.1+0x40".
[[nodiscard]] std::string code_place_text(const event::CodePlace& place);

}  // namespace reprise::cli
