/* SPDX-License-Identifier: MIT */
#include "dial/words.h"

#include "base/text.h"
#include "wrd/ufrag.h"

struct wrd_dial_text wrd_dial_text(const char *start, size_t len)
{
    return (struct wrd_dial_text){start, len > 0 ? start + len : start, NULL};
}

void wrd_dial_complain(struct wrd_dial_text *text, const char *complaint)
{
    if (!text->complaint)
        text->complaint = complaint;
    text->at = text->end;
}

bool wrd_dial_take(struct wrd_dial_text *text, const char *word)
{
    const char *at = text->at;
    for (; *word != '\0'; word++) {
        if (at == text->end || *at++ != *word)
            return false;
    }
    text->at = at;
    return true;
}

void wrd_dial_take_blanks(struct wrd_dial_text *text)
{
    while (text->at < text->end && wrd_dial_is_blank(*text->at))
        text->at++;
}

int wrd_dial_take_hex(struct wrd_dial_text *text)
{
    int digit = text->at < text->end ? wrd_hex_digit(*text->at) : -1;
    if (digit >= 0)
        text->at++;
    return digit;
}

uint32_t wrd_dial_take_number(struct wrd_dial_text *text, uint32_t max, const char *complaint)
{
    const char *start = text->at;
    uint64_t value = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9' && value <= max)
        value = value * 10 + (uint64_t)(*text->at++ - '0');
    if (text->at == start || value > max || (*start == '0' && text->at - start > 1)) {
        wrd_dial_complain(text, complaint);
        return 0;
    }
    return (uint32_t)value;
}

wrd_result wrd_dial_verdict(const struct wrd_dial_text *text, const char **why)
{
    if (!text->complaint)
        return WRD_OK;
    if (why)
        *why = text->complaint;
    return WRD_INVALID;
}

bool wrd_dial_is_ice_text(const char *text, size_t len, size_t min)
{
    if (len < min || len > WRD_UFRAG_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!alpha && !digit && c != '+' && c != '/')
            return false;
    }
    return true;
}

bool wrd_dial_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void wrd_dial_put8(struct wrd_writer *wr, char c)
{
    wrd_wr8(wr, (uint8_t)c);
}

void wrd_dial_put(struct wrd_writer *wr, const char *word)
{
    while (*word != '\0')
        wrd_dial_put8(wr, *word++);
}

void wrd_dial_put_text(struct wrd_writer *wr, const char *text, size_t len)
{
    wrd_wr_bytes(wr, text, len);
}

void wrd_dial_put_number(struct wrd_writer *wr, uint32_t value, uint32_t base)
{
    uint32_t unit = 1;
    while (value / unit >= base)
        unit *= base;
    for (; unit > 0; unit /= base)
        wrd_dial_put8(wr, "0123456789abcdef"[value / unit % base]);
}
