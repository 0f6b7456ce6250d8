#include "virtual_piv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SP 800-73-4 part 1, section 4. */
enum {
	PIV_FILE = 0x3fff,
	PIV_OBJECT = 0x53,
	PIV_DISCOVERY = 0x7e,
	PIV_CHUID = 0x5fc102,
	PIV_KEY_HISTORY = 0x5fc10c,
	PIV_FIRST_RETIRED = 0x5fc10d,
	PIV_RETIRED_COUNT = 20,
	PIV_FIRST_RETIRED_KEY = 0x82,
	PIV_CERTIFICATE = 0x70,
	PIV_CERT_INFO = 0x71,
	PIV_CHECKSUM = 0xfe
};

static const uint8_t piv_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x08, 0x00,
                                  0x00, 0x10, 0x00, 0x01, 0x00};

static const struct {
	unsigned key;
	uint32_t tag;
} piv_slots[] = {
    {0x9a, 0x5fc105}, {0x9c, 0x5fc10a}, {0x9d, 0x5fc10b}, {0x9e, 0x5fc101}};

static const struct wire_view nothing;

/* The answer to SELECT: the application's identifier and its authority. */
static void
set_application(struct virtual_card *card)
{
	uint8_t body[64];
	uint8_t authority[16];
	struct wire_out out = wire_out(body, sizeof(body));
	struct wire_out inner = wire_out(authority, sizeof(authority));
	struct wire_out fci = wire_out(card->fci, sizeof(card->fci));

	memcpy(card->aid, piv_aid, sizeof(piv_aid));
	card->aid_len = sizeof(piv_aid);
	card->aid_min = sizeof(piv_aid) - 2; /* without its version */
	virtual_tlv(&out, 0x4f,
	            (struct wire_view){piv_aid + 5, sizeof(piv_aid) - 5});
	virtual_tlv(&inner, 0x4f, (struct wire_view){piv_aid, 5});
	virtual_tlv(&out, 0x79, wire_written(&inner));
	virtual_tlv(&fci, 0x61, wire_written(&out));
	card->fci_len = fci.len;
	virtual_card_set_atr(card, "vPIV");
}

static bool
add_discovery(struct virtual_card *card)
{
	static const uint8_t policy[] = {0x40, 0x00}; /* application PIN */
	uint8_t body[32];
	struct wire_out out = wire_out(body, sizeof(body));

	virtual_tlv(&out, 0x4f, (struct wire_view){piv_aid, sizeof(piv_aid)});
	virtual_tlv(&out, 0x5f2f, (struct wire_view){policy, sizeof(policy)});
	return virtual_card_add(card, PIV_FILE, PIV_DISCOVERY, PIV_DISCOVERY,
	                        wire_written(&out));
}

static bool
add_chuid(struct virtual_card *card, const char *dir)
{
	static const uint8_t fascn[25];
	uint8_t id[VIRTUAL_ID_LEN];
	uint8_t body[128];
	struct wire_out out = wire_out(body, sizeof(body));

	virtual_card_id(dir, id);
	virtual_tlv(&out, 0x30, (struct wire_view){fascn, sizeof(fascn)});
	virtual_tlv(&out, 0x34, (struct wire_view){id, sizeof(id)});
	virtual_tlv(&out, 0x35, wire_view_text("20491231"));
	virtual_tlv(&out, 0x3e, nothing);
	virtual_tlv(&out, PIV_CHECKSUM, nothing);
	return virtual_card_add(card, PIV_FILE, PIV_CHUID, PIV_OBJECT,
	                        wire_written(&out));
}

/* How many retired keys have their certificate on the card. */
static bool
add_key_history(struct virtual_card *card, unsigned retired)
{
	uint8_t count = (uint8_t)retired;
	uint8_t none = 0;
	uint8_t body[32];
	struct wire_out out = wire_out(body, sizeof(body));

	virtual_tlv(&out, 0xc1, (struct wire_view){&count, 1});
	virtual_tlv(&out, 0xc2, (struct wire_view){&none, 1});
	virtual_tlv(&out, PIV_CHECKSUM, nothing);
	return virtual_card_add(card, PIV_FILE, PIV_KEY_HISTORY, PIV_OBJECT,
	                        wire_written(&out));
}

static bool
add_certificate(struct virtual_card *card, uint32_t tag, struct wire_view der,
                uint8_t info)
{
	static uint8_t body[VIRTUAL_OBJECT_MAX];
	struct wire_out out = wire_out(body, sizeof(body));

	virtual_tlv(&out, PIV_CERTIFICATE, der);
	virtual_tlv(&out, PIV_CERT_INFO, (struct wire_view){&info, 1});
	virtual_tlv(&out, PIV_CHECKSUM, nothing);
	return wire_out_ok(&out) &&
	       virtual_card_add(card, PIV_FILE, tag, PIV_OBJECT,
	                        wire_written(&out));
}

/* The certificate of one key, when the directory has it; found says so. */
static bool
load_slot(struct virtual_card *card, const char *dir, unsigned key,
          uint32_t tag, bool *found)
{
	static const char *const forms[] = {"%02X.der", "%02X.der.gz"};
	bool fits = true;

	*found = false;
	for (uint8_t gzip = 0; gzip < 2 && !*found; gzip++) {
		char name[16];
		uint8_t *der;
		size_t len;

		(void)snprintf(name, sizeof(name),
		               gzip == 0 ? forms[0] : forms[1], key);
		der = virtual_file_read(dir, name, &len);
		*found = der != NULL;
		if (*found)
			fits = add_certificate(
			    card, tag, (struct wire_view){der, len}, gzip);
		free(der);
	}
	return fits;
}

/* NAME.obj, where NAME is the tag in hexadecimal. */
static bool
load_objects(struct virtual_card *card, const char *dir)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	bool fits = true;

	if (entries == NULL)
		return false;
	while (fits && (entry = readdir(entries)) != NULL) {
		char *end;
		unsigned long tag = strtoul(entry->d_name, &end, 16);
		uint8_t *data;
		size_t len;

		if (strcmp(end, ".obj") != 0)
			continue;
		data = virtual_file_read(dir, entry->d_name, &len);
		fits =
		    data != NULL &&
		    virtual_card_add(card, PIV_FILE, (uint32_t)tag, PIV_OBJECT,
		                     (struct wire_view){data, len});
		free(data);
	}
	(void)closedir(entries);
	return fits;
}

bool
virtual_piv_load(struct virtual_card *card, const char *dir)
{
	unsigned retired = 0;
	bool found;

	set_application(card);
	if (!add_discovery(card) || !add_chuid(card, dir))
		return false;
	for (size_t i = 0; i < sizeof(piv_slots) / sizeof(piv_slots[0]); i++)
		if (!load_slot(card, dir, piv_slots[i].key, piv_slots[i].tag,
		               &found))
			return false;
	for (unsigned i = 0; i < PIV_RETIRED_COUNT; i++) {
		if (!load_slot(card, dir, PIV_FIRST_RETIRED_KEY + i,
		               PIV_FIRST_RETIRED + i, &found))
			return false;
		retired += found;
	}
	return add_key_history(card, retired) && load_objects(card, dir);
}
