// The two halves of Boost.Serialization's Archive concept over a run of bytes.
//
// OutputArchive models the Saving Archive concept, InputArchive the Loading Archive concept. They
// do not derive from Boost's basic archives: no tracking, no pointers, no polymorphism, none of
// which compile here. `serialize` functions of the event model are in
// archive/event_serialization.h.
//
// Encoding: unsigned integers are LEB128 varints; signed ones zigzag first; bool and 8-bit integers
// one byte; strings and byte runs a varint length, then the bytes; sequences a varint count, then
// the elements; an optional one presence byte. Stamps are signed distances from the block's base
// stamp.
//
// InputArchive reads untrusted bytes. Every length is checked against the bytes that remain before
// anything is allocated, sequences are bounded by kMaxElements, numbers by their type. What does
// not fit throws Malformed, which archive/record.cc turns into a result; nothing else sees it.
//
// `version` of a `serialize` function is the minor format version of the block.
// Source: https://www.boost.org/doc/libs/1_74_0/libs/serialization/doc/archives.html
#pragma once

#include <boost/mpl/bool.hpp>
#include <boost/serialization/serialization.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "archive/block.h"
#include "archive/byte_buffer.h"
#include "archive/varint.h"

namespace reprise::archive {

// No sequence of structures may be longer; memory per element exceeds its bytes in the file by far.
inline constexpr std::uint64_t kMaxElements = 1u << 20;

struct Malformed {
  const char* what;
};

// The record is of a kind which this version does not know.
struct UnknownKind {
  std::uint64_t kind;
};

// Wrappers that tell the archives how to code a value.

struct StampTicks {
  std::uint64_t& ticks;
};

// An enumeration without holes from `first` to `last`. If `open`, a value that a newer version
// added is loaded as `first`; otherwise the record is of an unknown kind.
template <typename Enum>
struct Enumerated {
  Enum& value;
  Enum first, last;
  bool open;
};
template <typename Enum>
Enumerated<Enum> enumerated(Enum& value, Enum first, Enum last, bool open = false) {
  return {value, first, last, open};
}

// Saves or loads the fields in this order: `ar & first & second & …`.
template <typename Archive, typename... Fields>
void fields(Archive& ar, Fields&&... field) {
  (void)(ar & ... & field);
}

template <typename T>
inline constexpr bool kIsByte = std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int8_t>;

class OutputArchive {
 public:
  using is_saving = boost::mpl::true_;
  using is_loading = boost::mpl::false_;

  // Appends to `out`, which nobody else may change until finish().
  OutputArchive(ByteBuffer& out, std::uint64_t stamp_base, unsigned version)
      : out_(out), stamp_base_(stamp_base), version_(version) {
    take_room(kMaxVarintBytes);
  }
  void finish() { out_.commit(static_cast<std::size_t>(at_ - begin_)); }

  template <typename T>
  void register_type(const T* = nullptr) {}
  unsigned get_library_version() const { return version_; }
  void save_binary(const void* address, std::size_t count) {
    std::uint8_t* const at = room(count);
    if (count != 0) std::memcpy(at, address, count);
    at_ = at + count;
  }

  template <typename T>
  OutputArchive& operator<<(const T& value) {
    save(value);
    return *this;
  }
  template <typename T>
  OutputArchive& operator&(const T& value) {
    return *this << value;
  }

 private:
  template <typename T>
  void save(const T& value) {
    if constexpr (std::is_same_v<T, bool> || kIsByte<T>) {
      save_byte(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_unsigned_v<T>) {
      save_varint(value);
    } else if constexpr (std::is_integral_v<T>) {
      save_signed(value);
    } else {
      // Boost's dispatch: a member serialize if there is one, else the free function found by ADL.
      boost::serialization::serialize_adl(*this, const_cast<T&>(value), version_);
    }
  }
  void save(const StampTicks& stamp) {
    save_signed(static_cast<std::int64_t>(stamp.ticks - stamp_base_));
  }
  template <typename Enum>
  void save(const Enumerated<Enum>& field) {
    save_varint(static_cast<std::uint64_t>(field.value));
  }
  void save(const std::string& text) {
    save_varint(text.size());
    save_binary(text.data(), text.size());
  }
  void save(const std::vector<std::uint8_t>& bytes) {
    save_varint(bytes.size());
    save_binary(bytes.data(), bytes.size());
  }
  template <typename T>
  void save(const std::vector<T>& elements) {
    save_varint(elements.size());
    for (const T& element : elements) save(element);
  }
  template <typename T>
  void save(const std::optional<T>& value) {
    save(value.has_value());
    if (value) save(*value);
  }

  void save_signed(std::int64_t value) {
    save_varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void save_byte(std::uint8_t value) {
    std::uint8_t* const at = room(1);
    *at = value;
    at_ = at + 1;
  }
  void save_varint(std::uint64_t value) { at_ = store_varint(room(kMaxVarintBytes), value); }

  std::uint8_t* room(std::size_t count) {
    if (static_cast<std::size_t>(end_ - at_) < count) [[unlikely]]
      grow(count);
    return at_;
  }
  [[gnu::noinline]] void grow(std::size_t count) {
    finish();
    take_room(count);
  }
  void take_room(std::size_t count) {
    const std::span<std::uint8_t> spare = out_.spare(count);
    begin_ = at_ = spare.data();
    end_ = begin_ + spare.size();
  }

  ByteBuffer& out_;
  // The buffer's room, held here so that a field costs no more than its bytes.
  std::uint8_t* begin_ = nullptr;
  std::uint8_t* at_ = nullptr;
  std::uint8_t* end_ = nullptr;
  std::uint64_t stamp_base_;
  unsigned version_;
};

class InputArchive {
 public:
  using is_saving = boost::mpl::false_;
  using is_loading = boost::mpl::true_;

  // `bytes` must outlive the archive.
  InputArchive(std::span<const std::uint8_t> bytes, std::uint64_t stamp_base, unsigned version)
      : at_(bytes.data()), end_(at_ + bytes.size()), stamp_base_(stamp_base), version_(version) {}

  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  template <typename T>
  void register_type(const T* = nullptr) {}
  unsigned get_library_version() const { return version_; }
  void load_binary(void* address, std::size_t count) {
    if (count > remaining()) throw Malformed{"a field runs past the end of its record"};
    if (count != 0) std::memcpy(address, at_, count);
    at_ += count;
  }

  template <typename T>
  InputArchive& operator>>(T&& value) {
    load(value);
    return *this;
  }
  template <typename T>
  InputArchive& operator&(T&& value) {
    return *this >> value;
  }

 private:
  template <typename T>
  void load(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      const std::uint8_t byte = load_byte();
      if (byte > 1) throw Malformed{"a truth value is neither 0 nor 1"};
      value = byte == 1;
    } else if constexpr (kIsByte<T>) {
      value = static_cast<T>(load_byte());
    } else if constexpr (std::is_unsigned_v<T>) {
      const std::uint64_t wide = load_varint();
      if (wide > std::numeric_limits<T>::max()) throw Malformed{"a number exceeds its type"};
      value = static_cast<T>(wide);
    } else if constexpr (std::is_integral_v<T>) {
      const std::int64_t wide = load_signed();
      if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) {
        throw Malformed{"a number exceeds its type"};
      }
      value = static_cast<T>(wide);
    } else {
      boost::serialization::serialize_adl(*this, value, version_);
    }
  }
  void load(StampTicks& stamp) {
    stamp.ticks = stamp_base_ + static_cast<std::uint64_t>(load_signed());
  }
  template <typename Enum>
  void load(Enumerated<Enum>& field) {
    const std::uint64_t value = load_varint();
    if (value < static_cast<std::uint64_t>(field.first) ||
        value > static_cast<std::uint64_t>(field.last)) {
      if (!field.open || version_ <= kMinorVersion) throw UnknownKind{value};
      field.value = field.first;
      return;
    }
    field.value = static_cast<Enum>(value);
  }
  void load(std::string& text) {
    const std::size_t size = load_length();
    text.assign(reinterpret_cast<const char*>(at_), size);
    at_ += size;
  }
  void load(std::vector<std::uint8_t>& bytes) {
    const std::size_t size = load_length();
    bytes.assign(at_, at_ + size);
    at_ += size;
  }
  template <typename T>
  void load(std::vector<T>& elements) {
    // Grows as elements are really there: a count alone allocates nothing.
    const std::size_t count = load_length();
    if (count > kMaxElements)
      throw Malformed{"a sequence has more elements than the format allows"};
    elements.clear();
    for (std::size_t i = 0; i < count; ++i) load(elements.emplace_back());
  }
  template <typename T>
  void load(std::optional<T>& value) {
    bool present = false;
    load(present);
    value.reset();
    if (present) load(value.emplace());
  }

  std::uint8_t load_byte() {
    if (at_ == end_) throw Malformed{"a field runs past the end of its record"};
    return *at_++;
  }
  std::uint64_t load_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = load_byte();
      if (shift == 63 && byte > 1) throw Malformed{"a number exceeds 64 bits"};
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    throw Malformed{"a number exceeds 64 bits"};
  }
  std::int64_t load_signed() {
    const std::uint64_t coded = load_varint();
    return static_cast<std::int64_t>((coded >> 1) ^ (~(coded & 1) + 1));
  }
  // A length or count: at least one byte must be left for each unit.
  std::size_t load_length() {
    const std::uint64_t length = load_varint();
    if (length > remaining()) throw Malformed{"a length exceeds what is left of its record"};
    return static_cast<std::size_t>(length);
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint64_t stamp_base_;
  unsigned version_;
};

}  // namespace reprise::archive
