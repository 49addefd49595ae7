/* SPDX-License-Identifier: MIT */
/* What the server's core keeps for each client, in memory and virtual time, every layer and libcrypto's share counted:
 * heap of an idle connection, and allocations per message. The clients are real ones, counted apart. */
#include "bench.h"

#include "wrd/wrd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define WARM_UP     64 /* clients that are not counted: what is made once is made by then */
#define CLIENTS     1000
#define MESSAGE     100
#define MESSAGES    10000
#define IN_FLIGHT   8
#define STEP        (10 * WRD_MILLISECOND)
#define SERVER_PORT 3478
#define FIRST_PORT  10000

enum side { SIDE_CLIENTS, SIDE_SERVER };

static enum side side;
static struct {
    size_t bytes;
    uint64_t mallocs;
} heap[2];

union head { /* before each block */
    struct {
        size_t size;
        enum side side;
    } of;
    max_align_t align;
};

static void *take(size_t size)
{
    union head *head = malloc(sizeof *head + size);
    if (!head)
        abort();
    head->of.size = size;
    head->of.side = side;
    heap[side].bytes += size;
    heap[side].mallocs++;
    return head + 1;
}

static void give_back(void *block)
{
    if (!block)
        return;
    union head *head = (union head *)block - 1;
    heap[head->of.side].bytes -= head->of.size;
    free(head);
}

static void *resize(void *old, size_t size)
{
    if (!old)
        return size ? take(size) : NULL;
    void *block = size ? take(size) : NULL;
    size_t had = ((union head *)old - 1)->of.size;
    if (block)
        memcpy(block, old, had < size ? had : size);
    give_back(old);
    return block;
}

static void *env_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    return resize(old, new_size);
}
static void *crypto_take(size_t size, const char *file, int line)
{
    return take(size);
}
static void *crypto_resize(void *old, size_t size, const char *file, int line)
{
    return resize(old, size);
}
static void crypto_free(void *block, const char *file, int line)
{
    give_back(block);
}

static struct {
    wrd_time now;
    wrd_endpoint *server, *clients[WARM_UP + CLIENTS];
    wrd_conn conns[WARM_UP + CLIENTS];
    unsigned count;
    wrd_address address;
} world;

static wrd_addr addr_of(unsigned port)
{
    return (wrd_addr){.ip = {127, 0, 0, 1}, .family = 4, .port = (uint16_t)port};
}

static bool carry_up(unsigned i)
{
    uint8_t datagram[WRD_DATAGRAM_MAX];
    wrd_path path;
    size_t len = wrd_endpoint_transmit(world.clients[i], world.now, &path, datagram, sizeof datagram);
    if (len == 0)
        return false;
    path = (wrd_path){.local = addr_of(SERVER_PORT), .remote = addr_of(FIRST_PORT + i)};
    side = SIDE_SERVER;
    wrd_endpoint_receive(world.server, world.now, &path, datagram, len);
    side = SIDE_CLIENTS;
    return true;
}

static bool carry_down(void)
{
    uint8_t datagram[WRD_DATAGRAM_MAX];
    wrd_path path;
    side = SIDE_SERVER;
    size_t len = wrd_endpoint_transmit(world.server, world.now, &path, datagram, sizeof datagram);
    side = SIDE_CLIENTS;
    if (len == 0)
        return false;
    wrd_endpoint *client = world.clients[path.remote.port - FIRST_PORT];
    path = (wrd_path){.local = path.remote, .remote = addr_of(SERVER_PORT)};
    wrd_endpoint_receive(client, world.now, &path, datagram, len);
    return true;
}

/* The server is an echo. */
static void serve(void)
{
    wrd_event event;
    wrd_message message;
    side = SIDE_SERVER;
    while (wrd_endpoint_next(world.server, &event))
        while (event.kind == WRD_EVENT_READABLE &&
               wrd_conn_receive(world.server, world.now, event.conn, &message) == WRD_OK) {
            if (wrd_conn_send(world.server, world.now, event.conn, message.kind, message.data, message.len) != WRD_OK)
                abort();
            wrd_conn_release(world.server, world.now, event.conn);
        }
    side = SIDE_CLIENTS;
}

static void settle(void)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < world.count; i++)
            while (carry_up(i))
                moved = true;
        serve();
        while (carry_down())
            moved = true;
    }
}

static void step(void)
{
    world.now += STEP;
    for (unsigned i = 0; i < world.count; i++)
        if (wrd_endpoint_deadline(world.clients[i]) <= world.now)
            wrd_endpoint_expire(world.clients[i], world.now);
    side = SIDE_SERVER;
    if (wrd_endpoint_deadline(world.server) <= world.now)
        wrd_endpoint_expire(world.server, world.now);
    side = SIDE_CLIENTS;
    settle();
}

static void pass(wrd_time time)
{
    for (wrd_time end = world.now + time; world.now < end;)
        step();
}

static void open_one(void)
{
    wrd_endpoint_options options;
    wrd_conn_info info = {.size = sizeof info};
    unsigned i = world.count++;
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    if (wrd_endpoint_new(&world.clients[i], &options, NULL, NULL) != WRD_OK ||
        wrd_endpoint_dial(world.clients[i], world.now, &world.conns[i], &world.address) != WRD_OK)
        abort();
    for (int turn = 0; turn < 500 && !info.open; turn++) {
        step();
        if (wrd_conn_get_info(world.clients[i], world.conns[i], &info) != WRD_OK)
            break;
    }
    if (!info.open) {
        fprintf(stderr, "client %u does not open\n", i);
        exit(1);
    }
}

/* Sends `count` messages by client `i`, IN_FLIGHT at a time, and takes them back. */
static void echo(unsigned i, unsigned count)
{
    uint8_t bytes[MESSAGE] = {0};
    unsigned sent = 0, back = 0;
    wrd_event event;
    wrd_message message;
    for (unsigned idle = 0; back < count && idle < 1000; idle++) {
        for (; sent < count && sent < back + IN_FLIGHT; sent++)
            if (wrd_conn_send(world.clients[i], world.now, world.conns[i], WRD_BINARY, bytes, sizeof bytes) != WRD_OK)
                break;
        step();
        while (wrd_endpoint_next(world.clients[i], &event))
            continue;
        for (; wrd_conn_receive(world.clients[i], world.now, world.conns[i], &message) == WRD_OK; back++, idle = 0)
            wrd_conn_release(world.clients[i], world.now, world.conns[i]);
    }
    if (back < count) {
        fprintf(stderr, "%u of %u echoes came back\n", back, count);
        exit(1);
    }
}

static void start(void)
{
    static const wrd_env env = {.memory = env_memory};
    wrd_endpoint_options options;
    wrd_key key;
    if (wrd_key_from_seed(&key, 1) != WRD_OK || wrd_key_fingerprint(&world.address.fingerprint, &key) != WRD_OK)
        abort();
    world.address.addr = addr_of(SERVER_PORT);
    world.now = WRD_SECOND;
    wrd_endpoint_options_init(&options);
    options.key = &key;
    options.mode = WRD_RAW;
    /* All clients come from one address. */
    options.max_connections = options.max_per_address = 16384;
    options.max_handshakes = options.cookies_above = 16384;
    options.handshake_rate = options.handshake_rate_per_address = 100000;
    side = SIDE_SERVER;
    if (wrd_endpoint_new(&world.server, &options, &env, NULL) != WRD_OK)
        abort();
    side = SIDE_CLIENTS;
}

static double per_client(size_t before)
{
    for (unsigned i = 0; i < world.count; i++) {
        wrd_conn_info info = {.size = sizeof info};
        if (wrd_conn_get_info(world.clients[i], world.conns[i], &info) != WRD_OK || !info.open || info.ended) {
            fprintf(stderr, "client %u was lost\n", i);
            exit(1);
        }
    }
    return ((double)heap[SIDE_SERVER].bytes - (double)before) / CLIENTS;
}

int main(int argc, char **argv)
{
    (void)argc;
    if (CRYPTO_set_mem_functions(crypto_take, crypto_resize, crypto_free) != 1)
        return fprintf(stderr, "libcrypto's memory cannot be counted\n"), 1;
    struct bench bench;
    bench_open(&bench, argv[0], "idle");
    start();
    open_one();
    echo(0, 1000);
    uint64_t mallocs = heap[SIDE_SERVER].mallocs;
    echo(0, MESSAGES);
    /* Below one half is none. */
    bench_row_below(&bench, "mallocs in 10,000 echoed messages", (double)(heap[SIDE_SERVER].mallocs - mallocs), "",
                    NULL, 0, 0.5);
    while (world.count < WARM_UP)
        open_one();
    pass(40 * WRD_SECOND);
    size_t before = heap[SIDE_SERVER].bytes;
    while (world.count < WARM_UP + CLIENTS)
        open_one();
    bench_row_below(&bench, "heap of a client that just opened", per_client(before), "B", NULL, 0, 0);
    pass(40 * WRD_SECOND);
    bench_row_below(&bench, "heap of an idle client", per_client(before), "B", NULL, 0, 4096);
    for (unsigned i = WARM_UP; i < world.count; i++)
        echo(i, 20);
    bench_row_below(&bench, "heap of a client after 20 messages", per_client(before), "B", NULL, 0, 0);
    pass(40 * WRD_SECOND);
    bench_row_below(&bench, "heap of it, idle again", per_client(before), "B", NULL, 0, 4096);
    puts("The server's core alone; what it made before the first 64 clients is not in it. Heap is what was asked for.");
    bench_close(&bench);
    for (unsigned i = 0; i < world.count; i++)
        wrd_endpoint_free(world.clients[i]);
    wrd_endpoint_free(world.server);
    return 0;
}
