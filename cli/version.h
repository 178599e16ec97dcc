// The version of Reprise.
#pragma once

namespace reprise::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace reprise::cli
