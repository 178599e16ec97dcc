#include "protocol/resp/commands.h"

#include <algorithm>
#include <array>

namespace reprise::protocol::resp {
namespace {

// Sorted by name. Commands that are not special stand in kPlain.
constexpr std::array kSpecial = std::to_array<Command>({
    {"ACL", 0, 0, Command::kContainer},
    {"ASKING", 0, 0, Command::kPrelude},
    {"AUTH", 0, 0, Command::kPrelude},
    {"BGREWRITEAOF", 0},
    {"BGSAVE", 0},
    {"BITOP", 2},
    {"BLMPOP", 3, 2},
    {"BZMPOP", 3, 2},
    {"CLIENT", 0, 0, Command::kContainer},
    {"CLUSTER", 0, 0, Command::kContainer},
    {"COMMAND", 0, 0, Command::kContainer | Command::kPrelude},
    {"CONFIG", 0, 0, Command::kContainer},
    {"DBSIZE", 0},
    {"DEBUG", 0, 0, Command::kContainer},
    {"DISCARD", 0},
    {"ECHO", 0},
    {"EVAL", 3, 2},
    {"EVALSHA", 3, 2},
    {"EVALSHA_RO", 3, 2},
    {"EVAL_RO", 3, 2},
    {"EXEC", 0},
    {"FAILOVER", 0},
    {"FCALL", 3, 2},
    {"FCALL_RO", 3, 2},
    {"FLUSHALL", 0},
    {"FLUSHDB", 0},
    {"FUNCTION", 0, 0, Command::kContainer},
    {"HELLO", 0, 0, Command::kPrelude},
    {"INFO", 0},
    {"KEYS", 0},
    {"LASTSAVE", 0},
    {"LATENCY", 0, 0, Command::kContainer},
    {"LMPOP", 2, 1},
    {"LOLWUT", 0},
    {"MEMORY", 2, 0, Command::kContainer},
    {"MIGRATE", 3},
    {"MODULE", 0, 0, Command::kContainer},
    {"MONITOR", 0},
    {"MULTI", 0},
    {"OBJECT", 2, 0, Command::kContainer},
    {"PING", 0, 0, Command::kPrelude},
    {"PSUBSCRIBE", 1, 0, Command::kConfirmed},
    {"PSYNC", 0, 0, Command::kReplicates},
    {"PUBSUB", 0, 0, Command::kContainer},
    {"PUNSUBSCRIBE", 1, 0, Command::kConfirmed},
    {"QUIT", 0},
    {"RANDOMKEY", 0},
    {"READONLY", 0, 0, Command::kPrelude},
    {"READWRITE", 0, 0, Command::kPrelude},
    {"REPLICAOF", 0},
    {"RESET", 0, 0, Command::kPrelude},
    {"ROLE", 0},
    {"SAVE", 0},
    {"SCAN", 0},
    {"SCRIPT", 0, 0, Command::kContainer},
    {"SELECT", 0, 0, Command::kPrelude},
    {"SENTINEL", 0, 0, Command::kContainer},
    {"SHUTDOWN", 0},
    {"SINTERCARD", 2, 1},
    {"SLAVEOF", 0},
    {"SLOWLOG", 0, 0, Command::kContainer},
    {"SSUBSCRIBE", 1, 0, Command::kConfirmed},
    {"SUBSCRIBE", 1, 0, Command::kConfirmed},
    {"SUNSUBSCRIBE", 1, 0, Command::kConfirmed},
    {"SWAPDB", 0},
    {"SYNC", 0, 0, Command::kReplicates},
    {"TIME", 0},
    {"UNSUBSCRIBE", 1, 0, Command::kConfirmed},
    {"UNWATCH", 0},
    {"WAIT", 0},
    {"WAITAOF", 0},
    {"XGROUP", 2, 0, Command::kContainer},
    {"XINFO", 2, 0, Command::kContainer},
    {"XREAD", 0, 0, Command::kStreams},
    {"XREADGROUP", 0, 0, Command::kStreams},
    {"ZDIFF", 2, 1},
    {"ZINTER", 2, 1},
    {"ZINTERCARD", 2, 1},
    {"ZMPOP", 2, 1},
    {"ZUNION", 2, 1},
});

// Sorted; their first argument is their first key.
constexpr std::array kPlain = std::to_array<std::string_view>({
    "APPEND",
    "BITCOUNT",
    "BITFIELD",
    "BITFIELD_RO",
    "BITPOS",
    "BLMOVE",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZPOPMAX",
    "BZPOPMIN",
    "COPY",
    "DECR",
    "DECRBY",
    "DEL",
    "DUMP",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "GEOADD",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GEOSEARCH",
    "GEOSEARCHSTORE",
    "GET",
    "GETBIT",
    "GETDEL",
    "GETEX",
    "GETRANGE",
    "GETSET",
    "HDEL",
    "HEXISTS",
    "HEXPIRE",
    "HGET",
    "HGETALL",
    "HINCRBY",
    "HINCRBYFLOAT",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HMSET",
    "HRANDFIELD",
    "HSCAN",
    "HSET",
    "HSETNX",
    "HSTRLEN",
    "HTTL",
    "HVALS",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "LCS",
    "LINDEX",
    "LINSERT",
    "LLEN",
    "LMOVE",
    "LPOP",
    "LPOS",
    "LPUSH",
    "LPUSHX",
    "LRANGE",
    "LREM",
    "LSET",
    "LTRIM",
    "MGET",
    "MOVE",
    "MSET",
    "MSETNX",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PFADD",
    "PFCOUNT",
    "PFMERGE",
    "PSETEX",
    "PTTL",
    "PUBLISH",
    "RENAME",
    "RENAMENX",
    "RESTORE",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCARD",
    "SDIFF",
    "SDIFFSTORE",
    "SET",
    "SETBIT",
    "SETEX",
    "SETNX",
    "SETRANGE",
    "SINTER",
    "SINTERSTORE",
    "SISMEMBER",
    "SMEMBERS",
    "SMISMEMBER",
    "SMOVE",
    "SORT",
    "SORT_RO",
    "SPOP",
    "SPUBLISH",
    "SRANDMEMBER",
    "SREM",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "SUNIONSTORE",
    "TOUCH",
    "TTL",
    "TYPE",
    "UNLINK",
    "WATCH",
    "XACK",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREVRANGE",
    "XSETID",
    "XTRIM",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZDIFFSTORE",
    "ZINCRBY",
    "ZINTERSTORE",
    "ZLEXCOUNT",
    "ZMSCORE",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANGESTORE",
    "ZRANK",
    "ZREM",
    "ZREMRANGEBYLEX",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCAN",
    "ZSCORE",
    "ZUNIONSTORE",
});

constexpr bool by_name(const Command& a, const Command& b) { return a.name < b.name; }
static_assert(std::is_sorted(kSpecial.begin(), kSpecial.end(), by_name));
static_assert(std::is_sorted(kPlain.begin(), kPlain.end()));

const Command* find_special(std::string_view upper) {
  const auto found = std::lower_bound(kSpecial.begin(), kSpecial.end(), Command{upper}, by_name);
  return found != kSpecial.end() && found->name == upper ? &*found : nullptr;
}

int hex_digit(char c) {
  const auto at = std::string_view("0123456789abcdef")
                      .find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// The character behind a backslash at `at`, which moves to its last byte.
char take_escape(std::string_view line, std::size_t& at) {
  if (line[at] == 'x' && at + 2 < line.size() && hex_digit(line[at + 1]) >= 0 &&
      hex_digit(line[at + 2]) >= 0) {
    at += 2;
    return static_cast<char>(hex_digit(line[at - 1]) * 16 + hex_digit(line[at]));
  }
  constexpr std::string_view kNames = "nrtba", kCharacters = "\n\r\t\b\a";
  const std::size_t known = kNames.find(line[at]);
  return known == std::string_view::npos ? line[at] : kCharacters[known];
}

// The argument in quotes that begins at `at`, which moves behind it.
std::string take_quoted(std::string_view line, std::size_t& at) {
  const char quote = line[at];
  std::string argument;
  for (++at; at < line.size() && line[at] != quote; ++at) {
    const bool escape = line[at] == '\\' && at + 1 < line.size();
    if (escape && quote == '"') {
      argument += take_escape(line, ++at);
    } else {
      at += escape && line[at + 1] == '\'' ? 1 : 0;
      argument += line[at];
    }
  }
  ++at;
  return argument;
}

std::string argument(std::span<const std::string> arguments, std::size_t index) {
  return index < arguments.size() ? arguments[index] : std::string();
}

}  // namespace

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return upper;
}

bool is_command(std::string_view name) {
  const std::string upper = upper_case(name);
  return find_special(upper) != nullptr || std::binary_search(kPlain.begin(), kPlain.end(), upper);
}

Command find_command(std::string_view name) {
  const Command* special = find_special(upper_case(name));
  return special != nullptr ? *special : Command{};
}

std::size_t arguments_needed(const Command& command) {
  if (command.is(Command::kStreams)) {
    return 12;  // XREADGROUP GROUP g c COUNT n BLOCK ms NOACK STREAMS key
  }
  // CLIENT REPLY OFF needs its third.
  const int container = command.is(Command::kContainer) ? 3 : 1;
  return static_cast<std::size_t>(std::max({container, command.key + 1, command.count + 1}));
}

// As Redis itself reads them: escapes in double quotes, only \' in single ones.
std::vector<std::string> split_inline(std::string_view line) {
  std::vector<std::string> arguments;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos) {
    const char quote = line[at];
    if (quote == '"' || quote == '\'') {
      arguments.push_back(take_quoted(line, at));
      continue;
    }
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    arguments.emplace_back(line.substr(at, end - at));
    at = end;
  }
  return arguments;
}

std::string operation_name(const Command& command, std::span<const std::string> arguments) {
  std::string name = upper_case(argument(arguments, 0));
  if (command.is(Command::kContainer) && arguments.size() > 1) {
    name += ' ';
    name += upper_case(arguments[1]);
  }
  return name;
}

std::string first_key(const Command& command, std::span<const std::string> arguments) {
  if (command.is(Command::kStreams)) {
    for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
      if (upper_case(arguments[i]) == "STREAMS") {
        return arguments[i + 1];
      }
    }
    return "";
  }
  if (command.key == 0 ||
      (command.count != 0 && argument(arguments, static_cast<std::size_t>(command.count)) == "0")) {
    return "";
  }
  return argument(arguments, static_cast<std::size_t>(command.key));
}

bool is_prelude(const Command& command, std::span<const std::string> arguments) {
  if (command.is(Command::kPrelude)) {
    return true;
  }
  if (command.name != "CLIENT" || arguments.size() < 2) {
    return false;
  }
  static constexpr std::array<std::string_view, 8> kSetUp = {
      "CAPA", "GETNAME", "ID", "NO-EVICT", "NO-TOUCH", "SETINFO", "SETNAME", "TRACKING"};
  return std::find(kSetUp.begin(), kSetUp.end(), upper_case(arguments[1])) != kSetUp.end();
}

}  // namespace reprise::protocol::resp
