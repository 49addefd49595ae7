/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "stress/victim.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dtls/dtls.h"
#include "native/sockaddr.h"
#include "stun/stun.h"

enum { ECHOES = 8, MESSAGE_SIZE = 400 };

wrd_time stress_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (wrd_time)ts.tv_sec * WRD_SECOND + (wrd_time)ts.tv_nsec / 1000;
}

static void record(struct victim *victim, const uint8_t *bytes, size_t len)
{
    if (victim->count == VICTIM_RECORDS)
        return;
    struct record *r = &victim->records[victim->count++];
    r->len = len;
    memcpy(r->bytes, bytes, len);
    if (!victim->check && wrd_stun_is(bytes, len))
        victim->check = r;
    if (!victim->hello && wrd_dtls_is_client_hello(bytes, len))
        victim->hello = r;
}

static void take_messages(struct victim *victim)
{
    wrd_message message;
    while (wrd_conn_receive(victim->endpoint, stress_now(), victim->conn, &message) == WRD_OK) {
        uint8_t expected[MESSAGE_SIZE];
        memset(expected, (int)(victim->echoed & 0xff), sizeof expected);
        if (message.len == sizeof expected && memcmp(message.data, expected, sizeof expected) == 0)
            victim->echoed++;
        wrd_conn_release(victim->endpoint, stress_now(), victim->conn);
    }
}

void victim_pump(struct victim *victim)
{
    uint8_t bytes[2048];
    wrd_event event;
    wrd_path path = {.remote = victim->server};
    ssize_t got;
    size_t len;
    while ((got = recv(victim->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        wrd_endpoint_receive(victim->endpoint, stress_now(), &path, bytes, (size_t)got);
    if (wrd_endpoint_deadline(victim->endpoint) <= stress_now())
        wrd_endpoint_expire(victim->endpoint, stress_now());
    while (wrd_endpoint_next(victim->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN)
            victim->open = true;
        if (event.kind == WRD_EVENT_CLOSED) {
            victim->closed = true;
            victim->why = event.text;
        }
    }
    if (victim->open && !victim->closed)
        take_messages(victim);
    while ((len = wrd_endpoint_transmit(victim->endpoint, stress_now(), &path, bytes, sizeof bytes)) > 0) {
        record(victim, bytes, len);
        (void)!send(victim->fd, bytes, len, MSG_DONTWAIT); /* what is lost is repeated */
    }
}

static void wait_a_little(struct victim *victim)
{
    struct pollfd fd = {.fd = victim->fd, .events = POLLIN};
    (void)poll(&fd, 1, 5);
    victim_pump(victim);
}

bool victim_echo(struct victim *victim, wrd_time patience)
{
    uint8_t bytes[MESSAGE_SIZE];
    memset(bytes, (int)(victim->sent & 0xff), sizeof bytes);
    wrd_time until = stress_now() + patience;
    while (wrd_conn_send(victim->endpoint, stress_now(), victim->conn, WRD_BINARY, bytes, sizeof bytes) != WRD_OK) {
        if (victim->closed || stress_now() > until)
            return false;
        wait_a_little(victim);
    }
    victim->sent++;
    while (victim->echoed < victim->sent && !victim->closed && stress_now() < until)
        wait_a_little(victim);
    return victim->echoed == victim->sent;
}

static bool open_socket(struct victim *victim)
{
    union wrd_sockaddr to, own;
    socklen_t to_len = wrd_to_sockaddr(&to, &victim->server, victim->server.family), len = sizeof own;
    victim->fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (victim->fd < 0 || connect(victim->fd, &to.sa, to_len) < 0 || getsockname(victim->fd, &own.sa, &len) < 0)
        return false;
    wrd_from_sockaddr(&victim->own, &own);
    return true;
}

bool victim_connect(struct victim *victim, const wrd_address *server)
{
    wrd_endpoint_options options;
    memset(victim, 0, sizeof *victim);
    victim->fd = -1;
    victim->server = server->addr;
    wrd_endpoint_options_init(&options);
    if (wrd_endpoint_new(&victim->endpoint, &options, NULL, &victim->why) != WRD_OK)
        return false;
    victim->why = "no socket towards the server";
    if (!open_socket(victim) || wrd_endpoint_dial(victim->endpoint, stress_now(), &victim->conn, server) != WRD_OK)
        return false;
    victim->why = "the server did not open in time";
    wrd_time until = stress_now() + 15 * WRD_SECOND;
    while (!victim->open && !victim->closed && stress_now() < until)
        wait_a_little(victim);
    for (int i = 0; i < ECHOES && victim->open; i++)
        if (!victim_echo(victim, 10 * WRD_SECOND))
            return false;
    return victim->open && victim->check && victim->hello;
}

void victim_end(struct victim *victim)
{
    if (victim->endpoint) {
        wrd_conn_close(victim->endpoint, stress_now(), victim->conn);
        for (int i = 0; i < 200 && victim->open && !victim->closed; i++)
            wait_a_little(victim);
    }
    wrd_endpoint_free(victim->endpoint);
    if (victim->fd >= 0)
        close(victim->fd);
}
