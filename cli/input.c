/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"

#define INPUT_STEP ((size_t)64 * 1024)

static bool make_room(struct input *in)
{
    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->len);
        in->start = 0;
    }
    if (in->capacity - in->len >= INPUT_STEP) {
        return true;
    }
    size_t capacity = in->capacity * 2 + INPUT_STEP;
    char *bytes = realloc(in->bytes, capacity);
    if (bytes == NULL) {
        return false;
    }
    in->bytes = bytes;
    in->capacity = capacity;
    return true;
}

bool input_read(struct input *in)
{
    if (!make_room(in)) {
        say("memory is short for a line of %zu bytes", in->len);
        return false;
    }
    ssize_t got = read(STDIN_FILENO, in->bytes + in->len, INPUT_STEP);
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        say("cannot read stdin: %s", strerror(errno));
        return false;
    }
    if (got == 0) {
        in->ended = true;
    } else if (got > 0) {
        in->len += (size_t)got;
    }
    return true;
}

bool input_line(struct input *in, const char **line, size_t *len)
{
    if (in->len == 0) {
        return false;
    }
    const char *start = in->bytes + in->start;
    const char *newline = memchr(start + in->searched, '\n', in->len - in->searched);
    if (newline == NULL && !in->ended) {
        in->searched = in->len;
        return false;
    }
    *line = start;
    *len = newline == NULL ? in->len : (size_t)(newline - start);
    return true;
}

void input_drop_line(struct input *in, size_t len)
{
    size_t dropped = len < in->len ? len + 1 : len; /* with its newline, when it has one */

    in->start += dropped;
    in->len -= dropped;
    in->searched = 0;
}
