// Reviews of books, whose text comes from an archive that is not to be trusted with UTF-8.
//
// The bug: the text is checked in the pieces in which it comes, and a letter of two bytes may be in
// two of them.

#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <string>
#include <string_view>

#include "tests/zoo/listener.h"

namespace {

// How many bytes a letter has that begins so; 0 for what begins none.
std::size_t LengthOfLetter(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >> 5 == 0x6) return 2;
  if (first >> 4 == 0xe) return 3;
  if (first >> 3 == 0x1e) return 4;
  return 0;
}

// The text with a question mark for every byte that belongs to no letter.
std::string Checked(std::string_view text) {
  std::string checked;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = LengthOfLetter(static_cast<unsigned char>(text[at]));
    bool whole = length > 0 && at + length <= text.size();
    for (std::size_t next = 1; whole && next < length; ++next) {
      whole = (static_cast<unsigned char>(text[at + next]) & 0xc0) == 0x80;
    }
    checked += whole ? text.substr(at, length) : "?";
    at += whole ? length : 1;
  }
  return checked;
}

std::size_t Take(char* bytes, std::size_t size, std::size_t count, void* review) {
  const std::string_view piece(bytes, size * count);
#ifdef FIXED
  static_cast<std::string*>(review)->append(piece);
#else
  static_cast<std::string*>(review)->append(Checked(piece));
#endif
  return piece.size();
}

void Show(evhttp_request* request, void* archive) {
  std::string review;
  CURL* curl = curl_easy_init();
  const std::string url =
      static_cast<const char*>(archive) + std::string(evhttp_request_get_uri(request));
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &review);
  const bool got = curl_easy_perform(curl) == CURLE_OK;
  curl_easy_cleanup(curl);
#ifdef FIXED
  review = Checked(review);
#endif
  evbuffer* body = evbuffer_new();
  evbuffer_add(body, review.data(), review.size());
  evhttp_send_reply(request, got ? 200 : 502, nullptr, body);
  evbuffer_free(body);
}

}  // namespace

int main(int, char** argv) {
  event_base* base = event_base_new();
  evhttp* http = evhttp_new(base);
  evhttp_set_gencb(http, &Show, argv[1]);
  evhttp_bound_socket* bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
  if (bound == nullptr) return 1;
  zoo::Announce(zoo::PortOf(evhttp_bound_socket_get_fd(bound)));
  return event_base_dispatch(base);
}
