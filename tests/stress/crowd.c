/* SPDX-License-Identifier: MIT */
/*
 * crowd 'IP:PORT FINGERPRINT' COUNT [--addresses N] [--in-flight N] [--lost MS] [--chatter MS] [--again]: COUNT clients
 * of one server in one process, each with a socket and so a transport address of its own. They connect, at most
 * --in-flight at a time, and stay.
 *
 * On stdout a line of JSON when all are open, and one for each line on stdin: "echo" (each has one message echoed),
 * "stat". The end of stdin is theirs, too, without a goodbye.
 *
 *   --addresses N   their IP addresses are 127.77.0.1 to 127.77.N.1, in turn (loopback servers only)
 *   --lost MS       silence after which a client counts the server as lost (30 s)
 *   --chatter MS    each has a message echoed that often (never)
 *   --again         a client whose connection ends dials again
 */
#define _GNU_SOURCE
#include "stress/crowd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct settings {
    unsigned count, addresses, in_flight;
    wrd_time lost, chatter;
    bool again;
};

static struct crowd crowd;
static struct settings settings = {.addresses = 1, .in_flight = 64, .lost = 30 * WRD_SECOND};
static bool said_open, asked;

static int fail(const char *why)
{
    fprintf(stderr, "crowd: %s\n", why);
    return 1;
}

static void report(const char *what)
{
    printf("{\"%s\": true, \"clients\": %u, \"open\": %u, \"echoed\": %u, \"corrupt\": %u, \"opened\": %llu, "
           "\"ended\": %llu, \"last_end\": \"%s\"}\n",
           what, crowd.count, crowd.open, crowd.echoed, crowd.corrupt, (unsigned long long)crowd.opened,
           (unsigned long long)crowd.ended, crowd.last_end);
    fflush(stdout);
}

/* True when stdin has ended. */
static bool take_orders(void)
{
    char text[256];
    ssize_t got = read(STDIN_FILENO, text, sizeof text - 1);
    if (got <= 0)
        return true;
    text[got] = '\0';
    if (strstr(text, "echo")) {
        asked = true;
        crowd_say(&crowd);
    }
    if (strstr(text, "stat"))
        report("stat");
    return false;
}

static void tell_progress(void)
{
    if (!said_open && crowd.open == crowd.count) {
        said_open = true;
        report("all_open");
    }
    if (asked && crowd.echoed == crowd.count) {
        asked = false;
        report("all_echoed");
    }
}

static int live(void)
{
    struct epoll_event in = {.events = EPOLLIN, .data.u32 = UINT32_MAX}, ready[256];
    wrd_time chatter_at = settings.chatter ? crowd_now() + settings.chatter : WRD_NEVER;
    if (epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in) < 0)
        return fail("stdin must be a pipe or terminal");
    for (;;) {
        crowd_dial(&crowd, settings.in_flight, settings.again);
        int count = epoll_wait(crowd.epoll, ready, 256, crowd_timeout(&crowd, chatter_at));
        for (int i = 0; i < count; i++) {
            if (ready[i].data.u32 != UINT32_MAX)
                crowd_receive(&crowd, ready[i].data.u32);
            else if (take_orders())
                return 0;
        }
        if (crowd_now() >= chatter_at) {
            chatter_at += settings.chatter;
            crowd_say(&crowd);
        }
        crowd_turn(&crowd);
        tell_progress();
    }
}

static bool read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"addresses", required_argument, NULL, 'a'}, {"in-flight", required_argument, NULL, 'f'},
        {"lost", required_argument, NULL, 'l'},      {"chatter", required_argument, NULL, 'c'},
        {"again", no_argument, NULL, 'g'},           {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a': settings.addresses = (unsigned)atoi(optarg); break;
        case 'f': settings.in_flight = (unsigned)atoi(optarg); break;
        case 'l': settings.lost = (wrd_time)atoi(optarg) * WRD_MILLISECOND; break;
        case 'c': settings.chatter = (wrd_time)atoi(optarg) * WRD_MILLISECOND; break;
        case 'g': settings.again = true; break;
        default: return false;
        }
    }
    if (argc - optind != 2)
        return false;
    settings.count = (unsigned)atoi(argv[optind + 1]);
    return settings.count >= 1 && settings.count <= CROWD_MAX && settings.addresses >= 1 && settings.addresses <= 250 &&
           settings.in_flight >= 1;
}

int main(int argc, char **argv)
{
    const char *why = "";
    if (!read_options(argc, argv)) {
        fprintf(stderr,
                "usage: crowd 'IP:PORT FINGERPRINT' COUNT [--addresses N] [--in-flight N] [--lost MS] "
                "[--chatter MS] [--again]; COUNT is up to %d\n",
                CROWD_MAX);
        return 2;
    }
    wrd_address server;
    if (wrd_address_parse(&server, argv[optind], strlen(argv[optind]), &why) != WRD_OK)
        return fail(why);
    if (!crowd_open(&crowd, &server, settings.count, settings.addresses, settings.lost, &why))
        return fail(why);
    int code = live();
    crowd_free(&crowd);
    return code;
}
