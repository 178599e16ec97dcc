// How every service of the zoo begins to listen: on a free port of 127.0.0.1, which it prints as
// "listening on PORT". Safe to use from any thread.
#pragma once

#include <cstdint>

namespace zoo {

// Returns the listening socket. Ends the program with a message when there is none to be had.
int Listen();

// The port a socket is bound to.
std::uint16_t PortOf(int socket);

// Tells whoever started the program that clients may come.
void Announce(std::uint16_t port);

}  // namespace zoo
