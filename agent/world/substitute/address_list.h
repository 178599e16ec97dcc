// Building the results of name lookups.
//
// A list is made exactly as the C library makes one (each addrinfo with its address behind it in
// one block of malloc, the canonical name in a block of its own), so that its freeaddrinfo frees
// it.
//
// Threading: a local variable. Allocates: this stands for functions that do.
#pragma once

#include <netdb.h>

#include "agent/abi/records.h"

namespace reprise::agent {

class AddressList {
 public:
  AddressList() = default;
  ~AddressList();
  AddressList(const AddressList&) = delete;
  AddressList& operator=(const AddressList&) = delete;

  // False when memory is short.
  [[nodiscard]] bool add(int flags, int family, int type, int protocol,
                         const abi::SocketAddress& address);
  // The first element gets the name. False when memory is short, or the list empty.
  [[nodiscard]] bool set_canonical_name(const char* name);

  const addrinfo* first() const { return first_; }
  // The caller's from here on, to be given to freeaddrinfo.
  [[nodiscard]] addrinfo* take();

 private:
  addrinfo* first_ = nullptr;
  addrinfo* last_ = nullptr;
};

// Lists what a numeric `node` (or a null one) and a `service` mean, without asking anybody:
// EAI_NONAME when the node is a name.
[[nodiscard]] int list_numeric(const char* node, const char* service, const addrinfo& hints,
                               AddressList& list);

}  // namespace reprise::agent
