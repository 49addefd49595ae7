/* SPDX-License-Identifier: MIT */
#include "cli/info.h"

#include <cJSON.h>

#include "cli/addresses.h"

/* True when all of it fitted into memory. */
static bool add_addresses(cJSON *info, const wrd_addr *bound)
{
    wrd_addr list[ADDRESSES_MAX];
    char text[WRD_ADDR_TEXT_SIZE];
    cJSON *array = cJSON_AddArrayToObject(info, "addresses");
    size_t count = addresses_list(list, bound);

    for (size_t i = 0; i < count; i++) {
        wrd_addr_ip_text(&list[i], text);
        if (!cJSON_AddItemToArray(array, cJSON_CreateString(text))) {
            return false;
        }
    }
    return array != NULL;
}

char *info_text(const wrd_server *server, const wrd_addr *bound, wrd_mode mode)
{
    wrd_address address;
    char fingerprint[WRD_FINGERPRINT_HEX_SIZE];
    char dialled[WRD_ADDR_TEXT_SIZE];
    char multiaddr[WRD_ADDRESS_TEXT_SIZE];
    cJSON *info = cJSON_CreateObject();

    wrd_server_address(server, &address);
    wrd_fingerprint_hex(&address.fingerprint, fingerprint);
    wrd_addr_text(&address.addr, dialled);
    wrd_address_multiaddr(&address, multiaddr);
    bool complete = cJSON_AddNumberToObject(info, "port", address.addr.port) != NULL &&
                    cJSON_AddStringToObject(info, "fingerprint", fingerprint) != NULL &&
                    cJSON_AddStringToObject(info, "address", dialled) != NULL &&
                    cJSON_AddStringToObject(info, "multiaddr", multiaddr) != NULL && add_addresses(info, bound) &&
                    cJSON_AddBoolToObject(info, "raw", mode == WRD_RAW) != NULL;
    char *text = complete ? cJSON_Print(info) : NULL;
    cJSON_Delete(info);
    return text;
}
