/* SPDX-License-Identifier: MIT */
/*
 * wrd dial: lines from stdin become messages, messages become lines on stdout.
 *
 * Nothing here blocks, or the connection would die of silence: stdin is not read while the send queue is full, and a
 * message stays in the connection's window until stdout took it. A reader that does not read slows the server.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/channel_option.h"
#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/input.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/token_text.h"
#include "wrd/client.h"

#define OUTPUT_SIZE     PIPE_BUF /* what a pipe takes without blocking once poll() says it is writable (POSIX) */
#define SECONDS_DEFAULT 10
#define SECONDS_MAX     3600

static const char help[] =
    "wrd dial ADDRESS\n"
    "wrd dial IP:PORT FINGERPRINT\n"
    "\n"
    "Connects, sends each line of stdin as one message and prints each message that comes back as one line. After the\n"
    "end of stdin it waits until as many messages came back as were sent. ADDRESS is what `wrd serve` prints: the two\n"
    "words IP:PORT FINGERPRINT, or /ip4/.../udp/.../webrtc-direct/certhash/u...\n"
    "\n"
    "  --raw              messages are data-channel messages as they are; as the server does\n"
    "  --channel LABEL[,unordered][,retransmits=N][,lifetime=MS]\n"
    "                     open a data channel and use it instead of the main one; the server must accept channels\n"
    "  --token TOKEN      for a server that asks for one (`wrd token mint`). One that has expired by this machine's\n"
    "                     clock is said at once and tried all the same: the server's clock decides\n"
    "  --reason TEXT      what the server is told when all is done\n"
    "  --timeout SECONDS  how long to try to connect; default 10\n"
    "  --wait SECONDS     how long to wait for the next echo after the end of stdin; default 10\n"
    "  --key-log FILE     add the secrets of the connection to FILE, for Wireshark; default: the environment's\n"
    "                     SSLKEYLOGFILE\n"
    "  --capture FILE     write the decrypted SCTP packets to FILE, for Wireshark\n"
    "\n"
    "Exit codes:\n"
    "  0    every message came back\n"
    "  1    trouble on this machine: the network, memory or stdout\n"
    "  2    wrong command line or address\n"
    "  3    no connection within --timeout: nobody answers, or not to the end (stderr says which)\n"
    "  4    refused: the host says that nobody listens on that port\n"
    "  5    mismatch: the server has another certificate than the fingerprint names\n"
    "  6    the connection ended before everything came back\n"
    "  7    the server broke a rule of the protocol\n"
    "  8    connected, but what was sent did not all come back within --wait\n"
    "  130  interrupted by Ctrl-C, SIGTERM or SIGHUP\n";

static const struct option options[] = {
    {"raw", no_argument, NULL, 'r'},           {"channel", required_argument, NULL, 'c'},
    {"reason", required_argument, NULL, 'e'},  {"timeout", required_argument, NULL, 't'},
    {"wait", required_argument, NULL, 'w'},    {"token", required_argument, NULL, 'o'},
    {"key-log", required_argument, NULL, 'K'}, {"capture", required_argument, NULL, 'C'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

struct output {
    char bytes[OUTPUT_SIZE];
    size_t len;
    size_t taken; /* of the message that is in the connection's window */
    bool waiting; /* a message may be there */
};

struct dial {
    wrd_client *client;
    struct input in;
    struct output out;
    wrd_address address;
    char where[WRD_ADDR_TEXT_SIZE];
    long timeout_s, wait_s;
    bool raw;
    bool uses_channel;
    struct channel_option channel_option;
    wrd_channel channel;
    const char *reason;
    const char *token, *key_log, *capture; /* NULL: none */
    bool open;                             /* and the channel asked for */
    bool full;                             /* the send queue; WRD_EVENT_WRITABLE ends it */
    bool closed;                           /* `end` says why */
    bool channel_closed;
    wrd_event end;
    uint64_t sent, received;
    int64_t progress_ms; /* when stdin ended or the last echo came */
};

static int64_t now_ms(void)
{
    return (int64_t)(clock_ns() / 1000000);
}

/* ---- between the two and the connection */

/* Sends lines until there are none or the queue is full. False with a sentence said. */
static bool send_lines(struct dial *dial)
{
    const char *line;
    size_t len;

    while (!dial->full && input_line(&dial->in, &line, &len)) {
        wrd_result result = wrd_client_channel_send(dial->client, dial->channel, line, len);
        if (result == WRD_AGAIN) {
            dial->full = true;
            return true;
        }
        if (result == WRD_CLOSED || result == WRD_GONE) {
            return true; /* WRD_EVENT_CLOSED tells why */
        }
        if (result != WRD_OK) {
            say("cannot send a line of %zu bytes: %s", len, wrd_result_text(result));
            return false;
        }
        dial->sent++;
        input_drop_line(&dial->in, len);
        dial->progress_ms = now_ms();
    }
    if (!dial->full && dial->in.len > WRD_MESSAGE_MAX) {
        say("a line of stdin is longer than the 16 MiB that a message may have");
        return false;
    }
    return true;
}

/* Moves messages and their newlines into the output buffer until it is full or none is left. */
static void take_messages(struct dial *dial)
{
    struct output *out = &dial->out;
    wrd_message message;

    while (out->waiting && out->len < OUTPUT_SIZE) {
        if (wrd_client_receive(dial->client, &message) != WRD_OK) {
            out->waiting = false;
            return;
        }
        size_t part = message.len - out->taken;
        if (part > OUTPUT_SIZE - out->len) {
            part = OUTPUT_SIZE - out->len;
        }
        memcpy(out->bytes + out->len, message.data + out->taken, part);
        out->len += part;
        out->taken += part;
        if (out->taken < message.len || out->len == OUTPUT_SIZE) {
            return;
        }
        out->bytes[out->len++] = '\n';
        out->taken = 0;
        wrd_client_release(dial->client);
        dial->received++;
        dial->progress_ms = now_ms();
    }
}

/* False when nobody reads stdout any more. */
static bool write_output(struct output *out)
{
    ssize_t written = write(STDOUT_FILENO, out->bytes, out->len);

    if (written < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            return true;
        }
        say("cannot write to stdout: %s", strerror(errno));
        return false;
    }
    out->len -= (size_t)written;
    memmove(out->bytes, out->bytes + written, out->len);
    return true;
}

static void start(struct dial *dial)
{
    dial->open = true;
    dial->progress_ms = now_ms();
    if (isatty(STDIN_FILENO)) {
        say("connected to %s; each line is a message, Ctrl-D ends", dial->where);
    }
}

/* The connection is open: now the channel that was asked for. */
static void open_channel(struct dial *dial)
{
    const char *why;

    if (!dial->uses_channel) {
        start(dial);
    } else if (wrd_client_channel_open(dial->client, &dial->channel, &dial->channel_option.options, &why) != WRD_OK) {
        say("cannot open the channel: %s", why);
        dial->channel_closed = true;
    }
}

static void say_said(uint32_t code, const char *said)
{
    char safe[WRD_REASON_MAX + 1];

    if (code != 0 || *said != '\0') {
        say("the server gave code %lu%s%s", (unsigned long)code, *said != '\0' ? ": " : "",
            say_safely(safe, sizeof safe, said));
    }
}

static void take_events(struct dial *dial)
{
    wrd_event event;

    while (wrd_client_next(dial->client, &event)) {
        switch (event.kind) {
        case WRD_EVENT_OPEN: open_channel(dial); break;
        case WRD_EVENT_READABLE: dial->out.waiting = true; break;
        case WRD_EVENT_WRITABLE: dial->full = false; break;
        case WRD_EVENT_CLOSED:
            dial->closed = true;
            dial->end = event;
            break;
        case WRD_EVENT_CHANNEL_OPEN: start(dial); break;
        case WRD_EVENT_CHANNEL_CLOSED:
            dial->channel_closed = true;
            dial->end = event;
            say_said(event.code, event.said);
            break;
        case WRD_EVENT_CHANNEL_LOW:
        case WRD_EVENT_MOVED: break;
        }
    }
}

/* ---- how it ends */

static int say_not_open(const struct dial *dial)
{
    switch (dial->end.reason) {
    case WRD_TIMEOUT:
        say("no connection to %s within %ld s: %s", dial->where, dial->timeout_s, dial->end.text);
        return EXIT_TIMEOUT;
    case WRD_REFUSED:
        say("%s refuses: nobody listens on that UDP port. Is the server running, and is the port right? A firewall "
            "that "
            "rejects says the same.",
            dial->where);
        return EXIT_REFUSED;
    case WRD_MISMATCH:
        say("the server at %s has another certificate than the fingerprint names. Ask for its present fingerprint; if "
            "it "
            "should not have changed, this may be another server in its place.",
            dial->where);
        return EXIT_MISMATCH;
    case WRD_PROTOCOL: say("%s does not speak as expected: %s", dial->where, dial->end.text); return EXIT_PROTOCOL;
    case WRD_LOST:
    case WRD_CLOSED:
    case WRD_OK: say("%s ended the connection before it was open: %s", dial->where, dial->end.text); return EXIT_LOST;
    case WRD_SYSTEM:
    case WRD_AGAIN:
    case WRD_GONE:
    case WRD_INVALID:
    case WRD_TOO_LARGE:
    case WRD_NO_MEMORY: break;
    }
    say("cannot connect to %s: %s", dial->where, dial->end.text);
    return EXIT_TROUBLE;
}

static bool all_came_back(const struct dial *dial)
{
    return dial->in.ended && dial->in.len == 0 && dial->received >= dial->sent;
}

static int say_ended(const struct dial *dial)
{
    if (!dial->open) {
        return say_not_open(dial);
    }
    if (all_came_back(dial)) {
        return EXIT_DONE;
    }
    say("the connection to %s ended: %s; %llu of %llu messages came back", dial->where, dial->end.text,
        (unsigned long long)dial->received, (unsigned long long)dial->sent);
    const char *said; /* that of the event was lent */
    uint32_t code = wrd_client_closed_with(dial->client, &said);
    say_said(code, said);
    if (dial->end.reason == WRD_PROTOCOL || dial->end.reason == WRD_TOO_LARGE) {
        fputs("Do both sides agree on --raw?\n", stderr);
        return EXIT_PROTOCOL;
    }
    return EXIT_LOST;
}

static int say_channel_ended(const struct dial *dial)
{
    if (dial->open && all_came_back(dial)) {
        return EXIT_DONE;
    }
    say("%s closed the channel \"%s\"%s %llu of %llu messages came back.", dial->where, dial->channel_option.label,
        dial->open ? "." : " before it was open: does it accept channels, as wrd serve --channels N?",
        (unsigned long long)dial->received, (unsigned long long)dial->sent);
    return EXIT_LOST;
}

/* What is printed already is not lost for a slow reader: this waits for it. */
static bool write_rest(struct dial *dial)
{
    while (dial->out.len > 0) {
        if (!write_output(&dial->out)) {
            return false;
        }
    }
    return true;
}

/* ---- the loop */

static int poll_timeout(const struct dial *dial)
{
    int timeout = wrd_client_timeout(dial->client);

    if (dial->open && dial->in.ended && !dial->full) {
        int64_t left = dial->progress_ms + (int64_t)dial->wait_s * 1000 - now_ms();
        int wait = left < 0 ? 0 : (int)left;
        timeout = timeout < 0 || wait < timeout ? wait : timeout;
    }
    return timeout;
}

/* One turn; true while it goes on, else `*code` is set. */
static bool turn(struct dial *dial, int stop, int *code)
{
    bool reads = dial->open && !dial->full && !dial->in.ended;
    struct pollfd fds[] = {
        {stop, POLLIN, 0},
        {wrd_client_fd(dial->client), POLLIN, 0},
        {reads ? STDIN_FILENO : -1, POLLIN, 0},
        {STDOUT_FILENO, dial->out.len > 0 ? POLLOUT : 0, 0}, /* its end is told in any case */
    };

    *code = EXIT_TROUBLE;
    if (poll(fds, 4, poll_timeout(dial)) < 0 && errno != EINTR) {
        say("poll: %s", strerror(errno));
        return false;
    }
    if ((fds[0].revents & POLLIN) != 0) {
        *code = EXIT_INTERRUPTED;
        return false;
    }
    if (fds[2].revents != 0 && !input_read(&dial->in)) {
        return false;
    }
    if ((fds[3].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        say("nobody reads stdout any more");
        return false;
    }
    if (fds[3].revents != 0 && !write_output(&dial->out)) {
        return false;
    }
    wrd_client_process(dial->client);
    take_events(dial);
    take_messages(dial);
    if (dial->open && !send_lines(dial)) {
        return false;
    }
    wrd_client_flush(dial->client);
    if (dial->closed) {
        *code = write_rest(dial) ? say_ended(dial) : EXIT_TROUBLE;
        return false;
    }
    if (dial->channel_closed) {
        *code = write_rest(dial) ? say_channel_ended(dial) : EXIT_TROUBLE;
        return false;
    }
    if (dial->open && all_came_back(dial) && !dial->out.waiting && dial->out.len == 0) {
        *code = EXIT_DONE;
        return false;
    }
    if (dial->open && dial->in.ended && now_ms() >= dial->progress_ms + (int64_t)dial->wait_s * 1000) {
        say("only %llu of %llu messages came back from %s, and none for %ld s", (unsigned long long)dial->received,
            (unsigned long long)dial->sent, dial->where, dial->wait_s);
        *code = EXIT_UNANSWERED;
        return false;
    }
    return true;
}

static void say_incomplete(const char *what, const char *file, int error)
{
    if (error == EAGAIN) {
        say("the %s in %s is not complete: nobody read it in time", what, file);
    } else if (error != 0) {
        say("the %s in %s is not complete: it cannot be written: %s", what, file, strerror(error));
    }
}

static int run(struct dial *dial)
{
    wrd_client_options client_options;
    const char *why = "";
    int code;

    int stop = stop_open();
    if (stop < 0) {
        say("cannot catch signals: %s", say_cause(errno));
        return EXIT_TROUBLE;
    }
    signal(SIGPIPE, SIG_IGN); /* write() says it too */
    signal(SIGXFSZ, SIG_IGN);
    token_warn(dial->token);
    wrd_client_options_init(&client_options);
    client_options.endpoint.mode = dial->raw ? WRD_RAW : WRD_FRAMED;
    client_options.endpoint.handshake_timeout = (wrd_time)dial->timeout_s * WRD_SECOND;
    client_options.token = dial->token;
    client_options.key_log_file = dial->key_log;
    client_options.capture_file = dial->capture;
    wrd_result result = wrd_client_dial(&dial->client, &dial->address, &client_options, &why);
    if (result != WRD_OK) {
        int error = errno;
        bool tells_more = result == WRD_SYSTEM && error != EINVAL; /* "Invalid argument" tells a person nothing */
        say("cannot connect to %s: %s%s%s", dial->where, why, tells_more ? ": " : "",
            tells_more ? strerror(error) : "");
        return result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
    }
    wrd_client_flush(dial->client);
    while (turn(dial, stop, &code)) {
    }
    if (dial->reason != NULL) {
        wrd_client_close_with(dial->client, 0, dial->reason);
    }
    say_incomplete("capture", dial->capture, wrd_client_capture_error(dial->client));
    say_incomplete("key log", dial->key_log, wrd_client_key_log_error(dial->client));
    wrd_client_free(dial->client);
    return code;
}

/* ---- the command line */

/* True when the command shall run; otherwise `*code` is its exit code. */
static bool read_options(struct dial *dial, int argc, char **argv, int *code)
{
    char why[WHY_SIZE];
    int option;

    *code = EXIT_USAGE;
    while ((option = next_option(argc, argv, options, "dial")) != -1) {
        switch (option) {
        case 'r': dial->raw = true; break;
        case 'c':
            dial->uses_channel = true;
            if (!channel_option_read(&dial->channel_option, optarg)) {
                return false;
            }
            break;
        case 'e': dial->reason = optarg; break;
        case 't':
            if (!option_number(&dial->timeout_s, "dial", "timeout", optarg, "whole seconds from ", 1, SECONDS_MAX)) {
                return false;
            }
            break;
        case 'w':
            if (!option_number(&dial->wait_s, "dial", "wait", optarg, "whole seconds from ", 1, SECONDS_MAX)) {
                return false;
            }
            break;
        case 'o':
            if (!option_token("dial", optarg)) {
                return false;
            }
            dial->token = optarg;
            break;
        case 'K': dial->key_log = optarg; break;
        case 'C': dial->capture = optarg; break;
        case 'h':
            fputs(help, stdout);
            *code = EXIT_DONE;
            return false;
        default: return false;
        }
    }
    if (!read_address(&dial->address, why, sizeof why, argc - optind, argv + optind)) {
        usage_error("dial", "%s", why);
        return false;
    }
    wrd_addr_text(&dial->address.addr, dial->where);
    return true;
}

int dial_main(int argc, char **argv)
{
    static struct dial dial = {.timeout_s = SECONDS_DEFAULT, .wait_s = SECONDS_DEFAULT};
    int code;

    dial.key_log = option_key_log();
    if (!read_options(&dial, argc, argv, &code)) {
        return code;
    }
    code = run(&dial);
    free(dial.in.bytes);
    return code;
}
