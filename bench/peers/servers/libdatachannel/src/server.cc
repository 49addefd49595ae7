// SPDX-License-Identifier: MIT
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "rtc/iceudpmuxlistener.hpp"
#include "rtc/rtc.hpp"

namespace {

constexpr size_t kept = 1 << 20; // bytes queued to send

struct Client {
    std::shared_ptr<rtc::PeerConnection> pc;
    std::shared_ptr<rtc::DataChannel> channel;
    bool first = true, sink = false;
    rtc::binary bytes; // of a source
    std::mutex taking;
};

// What callbacks found, for the one thread that makes and ends connections: neither may be done within a callback.
struct Work {
    std::mutex mutex;
    std::condition_variable more;
    std::deque<rtc::IceUdpMuxRequest> begun;
    std::deque<std::string> ended;
} work;

rtc::Configuration configuration;
std::unordered_map<std::string, std::shared_ptr<Client>> clients;

void end(const std::string &x)
{
    std::lock_guard lock(work.mutex);
    work.ended.push_back(x);
    work.more.notify_one();
}

std::string offer(const rtc::IceUdpMuxRequest &request)
{
    std::string zeros;
    for (int i = 0; i < 31; i++)
        zeros += "00:";
    const std::string &x = request.localUfrag, port = std::to_string(request.remotePort);
    return "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
           "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:" + x +
           "\r\na=ice-pwd:" + x + "\r\na=fingerprint:sha-256 " + zeros +
           "00\r\na=setup:active\r\na=sctp-port:5000\r\na=max-message-size:262144\r\na=candidate:1 1 UDP 2130706431 " +
           request.remoteAddress + " " + port + " typ host\r\na=end-of-candidates\r\n";
}

void pump(Client &client)
{
    while (!client.bytes.empty() && client.channel->isOpen() && client.channel->bufferedAmount() < kept)
        client.channel->send(client.bytes.data(), client.bytes.size());
}

void take(Client &client, rtc::message_variant message)
{
    if (client.first) {
        client.first = false;
        std::string text;
        if (const auto *words = std::get_if<std::string>(&message))
            text = words->substr(0, 64);
        else if (const auto *bytes = std::get_if<rtc::binary>(&message))
            text.assign(reinterpret_cast<const char *>(bytes->data()), std::min<size_t>(bytes->size(), 64));
        client.sink = text == "wrd-bench sink";
        if (text.rfind("wrd-bench source ", 0) == 0) {
            client.sink = true;
            client.bytes.resize(std::stoul(text.substr(17)));
            client.channel->setBufferedAmountLowThreshold(kept / 2);
            client.channel->onBufferedAmountLow([&client] { pump(client); });
            pump(client);
        }
    }
    if (!client.sink)
        client.channel->send(std::move(message));
}

// Its onMessage may hand out what comes while the channel opens by two threads at once, in no order. So we take it.
void drain(Client &client)
{
    std::lock_guard lock(client.taking);
    if (!client.channel->isOpen())
        return;
    while (auto message = client.channel->receive())
        take(client, std::move(*message));
}

void begin(const rtc::IceUdpMuxRequest &request)
{
    const std::string x = request.localUfrag;
    if (x != request.remoteUfrag || clients.count(x))
        return;
    auto client = std::make_shared<Client>();
    clients[x] = client;
    client->pc = std::make_shared<rtc::PeerConnection>(configuration);
    client->pc->onStateChange([x](rtc::PeerConnection::State state) {
        if (state == rtc::PeerConnection::State::Failed || state == rtc::PeerConnection::State::Closed)
            end(x);
    });
    rtc::DataChannelInit init;
    init.negotiated = true;
    init.id = 0;
    client->channel = client->pc->createDataChannel("rpc", init);
    client->channel->onOpen([client = client.get()] { drain(*client); });
    client->channel->onAvailable([client = client.get()] { drain(*client); });
    client->channel->onClosed([x] { end(x); });
    client->pc->setRemoteDescription(rtc::Description(offer(request), "offer"));
    client->pc->setLocalDescription(rtc::Description::Type::Answer, {x, x});
}

std::string fingerprint()
{
    rtc::Configuration alone;
    alone.certificatePemFile = configuration.certificatePemFile;
    alone.keyPemFile = configuration.keyPemFile;
    alone.disableAutoNegotiation = true;
    rtc::PeerConnection pc(alone);
    auto channel = pc.createDataChannel("none");
    std::string text = pc.createOffer().fingerprint()->value, out;
    for (char c : text)
        if (c != ':')
            out += static_cast<char>(tolower(c));
    return out;
}

} // namespace

extern "C" int bench_serve(const char *ip, uint16_t port, const char *certificate, const char *key)
{
    rtc::InitLogger(rtc::LogLevel::None);
    configuration.bindAddress = ip;
    configuration.portRangeBegin = configuration.portRangeEnd = port;
    configuration.enableIceUdpMux = true;
    configuration.disableAutoNegotiation = true;
    configuration.disableFingerprintVerification = true;
    configuration.certificatePemFile = certificate;
    configuration.keyPemFile = key;
    std::string text = fingerprint();
    rtc::IceUdpMuxListener listener(port, std::string(ip));
    listener.OnUnhandledStunRequest([](rtc::IceUdpMuxRequest request) {
        std::lock_guard lock(work.mutex);
        work.begun.push_back(std::move(request));
        work.more.notify_one();
    });
    std::printf("listening %s:%u %s\n", ip, port, text.c_str());
    std::fflush(stdout);
    for (;;) {
        std::unique_lock lock(work.mutex);
        work.more.wait(lock, [] { return !work.begun.empty() || !work.ended.empty(); });
        auto begun = std::move(work.begun);
        auto ended = std::move(work.ended);
        work.begun.clear();
        work.ended.clear();
        lock.unlock();
        for (const auto &request : begun)
            begin(request);
        for (const auto &x : ended)
            clients.erase(x);
    }
}
