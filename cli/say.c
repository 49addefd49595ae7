/* SPDX-License-Identifier: MIT */
#include "cli/say.h"

#include <cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/lines.h"

static const char *program = "wrd";
static bool as_json;

void say_as(const char *name)
{
    program = name;
}

void say_in_json(void)
{
    as_json = true;
}

cJSON *say_event(const char *event)
{
    struct timespec now;
    struct tm parts;
    char time[40];
    cJSON *json = cJSON_CreateObject();

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) != NULL && strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts) != 0) {
        size_t len = strlen(time);
        snprintf(time + len, sizeof time - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
        (void)cJSON_AddStringToObject(json, "time", time);
    }
    (void)cJSON_AddStringToObject(json, "event", event);
    return json;
}

void say_json(cJSON *json)
{
    char *line = cJSON_PrintUnformatted(json);

    const char *text =
        line != NULL ? line : "{\"event\":\"message\",\"text\":\"memory is short for a line of the log\"}";
    lines_put(text, strlen(text));
    cJSON_free(line);
    cJSON_Delete(json);
}

void say(const char *format, ...)
{
    char text[8192];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (as_json) {
        cJSON *json = say_event("message");
        char safe[sizeof text]; /* names of files can be any bytes */
        (void)cJSON_AddStringToObject(json, "text", say_safely(safe, sizeof safe, text));
        say_json(json);
    } else {
        char line[sizeof text + 64];
        snprintf(line, sizeof line, "%s: %s", program, text);
        lines_put(line, strlen(line));
    }
}

static char *gap_line(uint64_t count)
{
    char *line = NULL;

    if (as_json) {
        cJSON *json = say_event("lines-dropped");
        (void)cJSON_AddNumberToObject(json, "count", (double)count);
        line = cJSON_PrintUnformatted(json); /* by malloc(), since nobody gave cJSON other hooks */
        cJSON_Delete(json);
    } else if (asprintf(&line, "%s: %llu lines of the log were dropped, for nobody read them", program,
                        (unsigned long long)count) < 0) {
        return NULL;
    }
    return line;
}

bool say_without_waiting(void)
{
    int error = lines_start(gap_line);

    if (error != 0) {
        say("cannot start a thread: %s", strerror(error));
    }
    return error == 0;
}

const char *say_cause(int error)
{
    switch (error) {
    case EMFILE: return "too many files are open: raise the limit (ulimit -n)";
    case ENFILE: return "the machine has too many files open: raise its limit (sysctl fs.file-max)";
    default: return strerror(error);
    }
}

/* The code point of the UTF-8 sequence at `text` and its length; length 1 and U+FFFD when it is none (RFC 3629). */
static uint32_t decode(const unsigned char *text, size_t *len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t want = text[0] < 0x80 ? 1 : text[0] >= 0xf0 && text[0] < 0xf8 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    uint32_t point = want == 1 ? text[0] : text[0] & (0x7fu >> want);

    *len = 1;
    if (want > 1 && (text[0] < 0xc0 || text[0] >= 0xf8)) {
        return 0xfffd;
    }
    for (size_t i = 1; i < want; i++) {
        if ((text[i] & 0xc0) != 0x80) { /* its end, too */
            return 0xfffd;
        }
        point = point << 6 | (text[i] & 0x3f);
    }
    if (point < least[want] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        return 0xfffd;
    }
    *len = want;
    return point;
}

/* What a terminal would obey or what would show other words than there are: controls, line ends, changes of direction.
 */
static bool is_treacherous(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x200e || point == 0x200f || point == 0xfffd;
}

const char *say_safely(char *out, size_t size, const char *text)
{
    size_t len = 0;
    size_t step;

    for (; *text != '\0'; text += step) {
        uint32_t point = decode((const unsigned char *)text, &step);
        size_t room = is_treacherous(point) ? 1 : step;
        if (len + room >= size) {
            break;
        }
        if (is_treacherous(point)) {
            out[len] = '?';
        } else {
            memcpy(out + len, text, step);
        }
        len += room;
    }
    out[len] = '\0';
    return out;
}
