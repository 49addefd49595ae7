/* SPDX-License-Identifier: MIT */
#include "chan/set.h"

#include "base/check.h"
#include "base/mem.h"

struct wrd_chan_channel *wrd_chan_find(const struct wrd_chan *chan, uint16_t id)
{
    const struct wrd_chan_set *set = chan->set;
    size_t page = id / WRD_CHAN_PAGE;
    return set && page < set->page_count && set->pages[page] ? set->pages[page]->channels[id % WRD_CHAN_PAGE] : NULL;
}

struct wrd_chan_channel *wrd_chan_find_handle(const struct wrd_chan *chan, uint32_t handle)
{
    struct wrd_chan_channel *channel = wrd_chan_find(chan, (uint16_t)handle);
    return channel && wrd_chan_handle(channel) == handle ? channel : NULL;
}

static bool grow_pages(struct wrd_chan *chan, size_t count)
{
    struct wrd_chan_set *set = chan->set;
    size_t item = sizeof *set->pages;
    if (count <= set->page_count)
        return true;
    struct wrd_chan_page **grown = wrd_mem_resize(chan->env, set->pages, set->page_count * item, count * item);
    if (!grown)
        return false;
    memset(grown + set->page_count, 0, (count - set->page_count) * item);
    set->pages = grown;
    set->page_count = count;
    return true;
}

/* The slot of `id`, with its page; NULL: memory is short. */
static struct wrd_chan_page *make_page(struct wrd_chan *chan, uint16_t id)
{
    if (!chan->set)
        chan->set = wrd_mem_zalloc(chan->env, sizeof *chan->set);
    size_t at = id / WRD_CHAN_PAGE;
    if (!chan->set || !grow_pages(chan, at + 1))
        return NULL;
    struct wrd_chan_page **page = &chan->set->pages[at];
    if (!*page)
        *page = wrd_mem_zalloc(chan->env, sizeof **page);
    return *page;
}

static void drop_empty_page(struct wrd_chan *chan, uint16_t id)
{
    struct wrd_chan_page **page = &chan->set->pages[id / WRD_CHAN_PAGE];
    if ((*page)->count > 0)
        return;
    wrd_mem_free(chan->env, *page, sizeof **page);
    *page = NULL;
}

static size_t size_of(const struct wrd_chan_channel *channel)
{
    return sizeof *channel + channel->label_len + channel->protocol_len + 2u;
}

struct wrd_chan_channel *wrd_chan_add(struct wrd_chan *chan, uint16_t id, const struct wrd_chan_dcep_open *open,
                                      bool by_peer)
{
    WRD_ASSERT(!wrd_chan_find(chan, id));
    struct wrd_chan_page *page = make_page(chan, id);
    if (!page)
        return NULL;
    struct wrd_chan_channel like = {.label_len = open->label_len, .protocol_len = open->protocol_len};
    struct wrd_chan_channel *channel = wrd_mem_zalloc(chan->env, size_of(&like));
    if (!channel) {
        drop_empty_page(chan, id);
        return NULL;
    }
    struct wrd_chan_set *set = chan->set;
    set->generation = set->generation == UINT16_MAX ? 1 : (uint16_t)(set->generation + 1);
    *channel = like;
    channel->id = id;
    channel->generation = set->generation;
    channel->by_peer = by_peer;
    channel->unordered = open->unordered;
    channel->reliability = open->reliability;
    channel->limit = open->limit;
    channel->priority = open->priority;
    channel->text = "";
    if (open->label_len > 0)
        memcpy(channel->names, open->label, open->label_len);
    if (open->protocol_len > 0)
        memcpy(channel->names + open->label_len + 1, open->protocol, open->protocol_len);
    page->channels[id % WRD_CHAN_PAGE] = channel;
    page->count++;
    set->count++;
    set->by_peer += by_peer;
    set->by_peer_open += by_peer;
    wrd_chan_list_push(chan, WRD_CHAN_LIST_ALL, channel);
    return channel;
}

void wrd_chan_remove(struct wrd_chan *chan, struct wrd_chan_channel *channel)
{
    struct wrd_chan_set *set = chan->set;
    for (unsigned name = 0; name < WRD_CHAN_LISTS; name++)
        wrd_chan_list_remove(chan, (enum wrd_chan_list_name)name, channel);
    struct wrd_chan_page *page = set->pages[channel->id / WRD_CHAN_PAGE];
    page->channels[channel->id % WRD_CHAN_PAGE] = NULL;
    page->count--;
    drop_empty_page(chan, channel->id);
    if (!channel->over)
        set->count--;
    set->by_peer -= channel->by_peer;
    set->by_peer_open -= channel->by_peer && !channel->peers_done;
    if (channel->id < set->next_id)
        set->next_id = channel->id;
    wrd_mem_free(chan->env, channel->own.bytes, channel->own.len + 1);
    wrd_mem_free(chan->env, channel->said.bytes, channel->said.len + 1);
    wrd_mem_free(chan->env, channel, size_of(channel));
}

void wrd_chan_list_push(struct wrd_chan *chan, enum wrd_chan_list_name name, struct wrd_chan_channel *channel)
{
    struct wrd_chan_list *list = &chan->set->lists[name];
    struct wrd_chan_link *link = &channel->links[name];
    if (link->in)
        return;
    *link = (struct wrd_chan_link){.before = list->last, .in = true};
    if (list->last)
        list->last->links[name].after = channel;
    else
        list->first = channel;
    list->last = channel;
}

void wrd_chan_list_remove(struct wrd_chan *chan, enum wrd_chan_list_name name, struct wrd_chan_channel *channel)
{
    struct wrd_chan_list *list = &chan->set->lists[name];
    struct wrd_chan_link *link = &channel->links[name];
    if (!link->in)
        return;
    if (link->before)
        link->before->links[name].after = link->after;
    else
        list->first = link->after;
    if (link->after)
        link->after->links[name].before = link->before;
    else
        list->last = link->before;
    link->in = false;
}

struct wrd_chan_channel *wrd_chan_list_first(const struct wrd_chan *chan, enum wrd_chan_list_name name)
{
    return chan->set ? chan->set->lists[name].first : NULL;
}
