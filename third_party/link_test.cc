// Compiles, links and calls every library that third_party/BUILD wraps. A machine that lacks a
// package of tools/packages.txt fails here, with the name of what it lacks, and not in the middle
// of the build of something else.

#include <benchmark/benchmark.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <event2/event.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>
#include <CLI/CLI.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/asio.hpp>
#include <boost/beast/http.hpp>
#include <boost/serialization/string.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LinkTest, Benchmark) {
  std::int64_t value = 0;
  benchmark::DoNotOptimize(value);
  EXPECT_GT(benchmark::CPUInfo::Get().num_cpus, 0);
}

TEST(LinkTest, BoostAsioRunsAHandler) {
  boost::asio::io_context context;
  bool ran = false;
  boost::asio::post(context, [&ran] { ran = true; });
  context.run();
  EXPECT_TRUE(ran);
}

TEST(LinkTest, BoostBeastParsesARequest) {
  namespace http = boost::beast::http;
  http::request_parser<http::empty_body> parser;
  boost::system::error_code error;
  parser.put(boost::asio::buffer("GET /a HTTP/1.1\r\n\r\n", 19), error);
  ASSERT_FALSE(error) << error.message();
  EXPECT_EQ(parser.get().target(), "/a");
}

TEST(LinkTest, BoostSerialization) {
  std::ostringstream stream;
  boost::archive::binary_oarchive archive(stream);
  const std::string text = "recorded";
  archive << text;
  EXPECT_THAT(stream.str(), HasSubstr(text));
}

TEST(LinkTest, Cli11) {
  CLI::App app;
  int number = 0;
  app.add_option("--number", number);
  app.parse("--number 7");
  EXPECT_EQ(number, 7);
}

TEST(LinkTest, Curl) {
  ASSERT_EQ(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(),
                                                                   &curl_easy_cleanup);
  EXPECT_NE(handle, nullptr);
}

TEST(LinkTest, Dl) { EXPECT_NE(dlsym(RTLD_DEFAULT, "getpid"), nullptr); }

TEST(LinkTest, Expected) {
  const tl::expected<int, std::string> failed = tl::make_unexpected("why");
  EXPECT_EQ(failed.error(), "why");
}

TEST(LinkTest, Fmt) { EXPECT_EQ(fmt::format("{:>4}", 42), "  42"); }

TEST(LinkTest, Gmock) { EXPECT_THAT(std::vector<int>({1, 2}), ElementsAre(1, 2)); }

TEST(LinkTest, Hiredis) {
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(redisReaderCreate(),
                                                                        &redisReaderFree);
  ASSERT_EQ(redisReaderFeed(reader.get(), ":42\r\n", 5), REDIS_OK);
  void* reply = nullptr;
  ASSERT_EQ(redisReaderGetReply(reader.get(), &reply), REDIS_OK);
  EXPECT_EQ(static_cast<redisReply*>(reply)->integer, 42);
  freeReplyObject(reply);
}

TEST(LinkTest, Libpq) { EXPECT_GE(PQlibVersion(), 150'000); }

TEST(LinkTest, Libevent) {
  const std::unique_ptr<event_base, decltype(&event_base_free)> base(event_base_new(),
                                                                     &event_base_free);
  EXPECT_NE(base, nullptr);
}

TEST(LinkTest, Microhttpd) { EXPECT_NE(MHD_get_version(), nullptr); }

TEST(LinkTest, NlohmannJson) {
  EXPECT_EQ(nlohmann::json::parse(R"({"a": [1, 2]})").at("a").at(1), 2);
}

TEST(LinkTest, OpensslCryptoHashes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  ASSERT_EQ(EVP_Digest("", 0, digest.data(), &size, EVP_sha256(), nullptr), 1);
  EXPECT_EQ(size, 32U);
  EXPECT_EQ(digest[0], 0xe3);
}

TEST(LinkTest, OpensslSslMakesAContext) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  &SSL_CTX_free);
  EXPECT_NE(context, nullptr);
}

TEST(LinkTest, Pthread) {
  bool ran = false;
  std::thread([&ran] { ran = true; }).join();
  EXPECT_TRUE(ran);
  EXPECT_NE(pthread_self(), pthread_t());
}

TEST(LinkTest, Spdlog) { EXPECT_NE(spdlog::default_logger(), nullptr); }

TEST(LinkTest, Xxhash) { EXPECT_EQ(XXH64("", 0, 0), 0xef46db3751d8e999ULL); }

TEST(LinkTest, Zlib) { EXPECT_EQ(crc32(0, nullptr, 0), 0U); }

TEST(LinkTest, ZstdRoundTrip) {
  const std::string text(1000, 'r');
  std::vector<char> frame(ZSTD_compressBound(text.size()));
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), text.data(), text.size(), 1);
  ASSERT_FALSE(ZSTD_isError(size));
  std::string back(text.size(), '\0');
  ASSERT_EQ(ZSTD_decompress(back.data(), back.size(), frame.data(), size), text.size());
  EXPECT_EQ(back, text);
}

}  // namespace
