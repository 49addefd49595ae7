/* SPDX-License-Identifier: MIT */
#include "wrd/base.h"

const char *wrd_result_text(wrd_result result)
{
    switch (result) {
    case WRD_OK: return "success";
    case WRD_AGAIN: return "not now; an event says when";
    case WRD_CLOSED: return "the connection is closed";
    case WRD_GONE: return "there is no such connection";
    case WRD_INVALID: return "an argument is not what the call takes";
    case WRD_TOO_LARGE: return "above the size limit";
    case WRD_NO_MEMORY: return "out of memory";
    case WRD_SYSTEM: return "the operating system refused";
    case WRD_TIMEOUT: return "nobody answered in time";
    case WRD_REFUSED: return "nobody listens on that port, or a firewall rejects";
    case WRD_MISMATCH: return "the certificate is not the one the fingerprint names";
    case WRD_LOST: return "the peer no longer answers";
    case WRD_PROTOCOL: return "the peer broke a protocol rule";
    }
    return "unknown result";
}
