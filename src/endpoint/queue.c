/* SPDX-License-Identifier: MIT */
#include "endpoint/queue.h"

#include "endpoint/connection.h"

void wrd_queue_push(struct wrd_queue *queue, struct wrd_connection *c)
{
    struct wrd_queue_link *link = &c->links[queue->name];
    if (link->in)
        return;
    *link = (struct wrd_queue_link){.before = queue->last, .in = true};
    if (queue->last)
        queue->last->links[queue->name].after = c;
    else
        queue->first = c;
    queue->last = c;
    queue->count++;
}

void wrd_queue_remove(struct wrd_queue *queue, struct wrd_connection *c)
{
    struct wrd_queue_link *link = &c->links[queue->name];
    if (!link->in)
        return;
    if (link->before)
        link->before->links[queue->name].after = link->after;
    else
        queue->first = link->after;
    if (link->after)
        link->after->links[queue->name].before = link->before;
    else
        queue->last = link->before;
    link->in = false;
    queue->count--;
}

struct wrd_connection *wrd_queue_after(const struct wrd_queue *queue, const struct wrd_connection *c)
{
    return c->links[queue->name].after;
}
