/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 100000u /* without that time passes */

static const wrd_addr addresses[2] = {{.port = 1}, {.port = 2}};

static bool is_marked(struct line *line, const uint8_t *bytes, size_t len)
{
    if (!line->drop_marked || !memmem(bytes, len, line->drop_mark, sizeof line->drop_mark))
        return false;
    line->drop_marked = false;
    return true;
}

static void flush(struct line *line, int from)
{
    uint8_t packet[PEER_PACKET_ROOM];
    size_t len;
    while ((len = line->kind->output(line->ends[from], line->now, packet)) > 0)
        if (!is_marked(line, packet, len))
            link_send(&line->options, &line->ways[from], &line->transit, &line->seed, line->now, &addresses[from],
                      &addresses[1 - from], packet, len);
}

bool line_open(struct line *line, const struct peer_kind *kind, const struct peer_options *peer,
               const struct link_options *options, uint64_t seed)
{
    static wrd_time clock = WRD_SECOND; /* usrsctp's clock outlives its associations */
    *line = (struct line){.kind = kind, .options = *options, .seed = seed, .now = clock += 1000 * WRD_SECOND};
    for (int i = 0; i < 2; i++)
        line->ends[i] = kind->open(peer, i, line->now);
    wrd_time limit = line->now + 60 * WRD_SECOND;
    while (!kind->established(line->ends[0]) || !kind->established(line->ends[1]))
        if (!line_step(line, limit))
            return false;
    return true;
}

void line_close(struct line *line)
{
    for (int i = 0; i < 2; i++)
        line->kind->close(line->ends[i]);
    transit_free(&line->transit);
}

static wrd_time next_event(struct line *line)
{
    wrd_time next = transit_next(&line->transit);
    for (int i = 0; i < 2; i++) {
        wrd_time deadline = line->kind->deadline(line->ends[i], line->now);
        if (deadline < next)
            next = deadline;
    }
    return next;
}

bool line_step(struct line *line, wrd_time until)
{
    flush(line, 0);
    flush(line, 1);
    wrd_time next = next_event(line);
    if (next <= line->now) {
        next = line->now;
        if (++line->turns > TURNS_MAX) {
            fprintf(stderr, "%s: turns on the spot\n", line->kind->name);
            abort();
        }
    } else {
        line->turns = 0;
    }
    line->now = next < until ? next : until;
    while (transit_next(&line->transit) <= line->now) {
        struct parcel *parcel = transit_take(&line->transit);
        int to = parcel->to.port - 1;
        line->kind->input(line->ends[to], line->now, parcel->bytes, parcel->len);
        flush(line, to); /* each packet may be answered, as by a server that does not wait for more */
        free(parcel);
    }
    for (int i = 0; i < 2; i++)
        if (line->kind->deadline(line->ends[i], line->now) <= line->now)
            line->kind->expire(line->ends[i], line->now);
    flush(line, 0);
    flush(line, 1);
    return line->now < until;
}
