// Which loaded object a code address belongs to, as the tape names it.
//
// Threading: any thread.
#pragma once

#include <cstdint>

namespace reprise::agent {

// abi::module_key of the object that holds `address`; 0 for the program itself and for code that is
// in no known object.
[[nodiscard]] std::uint32_t caller_module(const void* address);

}  // namespace reprise::agent
