#include "virtual_gids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum {
	GIDS_MASTER = 0xa000,
	GIDS_MASTER_TABLE = 0xdf1f,
	GIDS_FILES = 0xa010,
	GIDS_ID_FILE = 0xa012,
	GIDS_CARDID = 0xdf20,
	GIDS_CARDAPPS = 0xdf21,
	GIDS_CARDCF = 0xdf22,
	GIDS_CMAPFILE = 0xdf23,
	GIDS_FIRST_FREE = 0xdf24,
	GIDS_COMMON = 0x3fff,
	GIDS_PIN_STATUS = 0x7f71,
	GIDS_PUK_STATUS = 0x7f73,
	GIDS_NAME_LEN = 9, /* eight letters and a NUL */
	GIDS_CONTAINERS_MAX = 32,
	GIDS_CONTAINER_LEN = 86,
	GIDS_CONTAINER_NAME_LEN = 80,
	GIDS_TABLE_MAX = 1 + 28 * VIRTUAL_OBJECTS_MAX,
	GIDS_KEY_BITS = 2048
};

static const uint8_t gids_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x97, 0x42,
                                   0x54, 0x46, 0x59, 0x02, 0x01};

/* What is being built: the card, its table and its container map. */
struct gids {
	struct virtual_card *card;
	const char *dir;
	struct wire_out table;
	struct wire_out map;
	uint16_t next; /* data object of the next file */
	uint8_t table_bytes[GIDS_TABLE_MAX];
	uint8_t map_bytes[GIDS_CONTAINERS_MAX * GIDS_CONTAINER_LEN];
	uint8_t file[VIRTUAL_OBJECT_MAX];
};

static void
put_name(struct wire_out *out, const char *name)
{
	size_t len = strlen(name);

	wire_put_bytes(out, name, len);
	wire_put_zeros(out, GIDS_NAME_LEN - len);
}

static void
put_record(struct gids *gids, const char *dir, const char *name, uint16_t file,
           uint16_t object)
{
	put_name(&gids->table, dir);
	put_name(&gids->table, name);
	wire_put_zeros(&gids->table, 2);
	wire_put_u32(&gids->table, object);
	wire_put_u32(&gids->table, file);
}

/* A file of the card: its record in the table and its data object. */
static bool
add_file(struct gids *gids, const char *dir, const char *name, uint16_t file,
         uint16_t object, struct wire_view value)
{
	put_record(gids, dir, name, file, object);
	return virtual_card_add(gids->card, file, object, object, value);
}

static void
set_application(struct virtual_card *card)
{
	static const uint8_t capabilities[] = {0x40, 0x01, 0xc0};
	uint8_t body[32];
	struct wire_out out = wire_out(body, sizeof(body));
	struct wire_out fci = wire_out(card->fci, sizeof(card->fci));

	memcpy(card->aid, gids_aid, sizeof(gids_aid));
	card->aid_len = sizeof(gids_aid);
	card->aid_min = sizeof(gids_aid) - 2; /* without its version */
	virtual_tlv(&out, 0x4f, (struct wire_view){gids_aid, sizeof(gids_aid)});
	virtual_tlv(&out, 0x73,
	            (struct wire_view){capabilities, sizeof(capabilities)});
	virtual_tlv(&fci, 0x61, wire_written(&out));
	card->fci_len = fci.len;
	virtual_card_set_atr(card, "GIDS");
}

static bool
add_fixed_files(struct gids *gids)
{
	static const uint8_t freshness[] = {1, 0, 1, 0, 1, 0};
	static const uint8_t applications[] = {'m', 's', 'c', 'p', 0, 0, 0, 0};
	/* Tries left and most tries, as a PIN's status object has them. */
	static const uint8_t status[] = {0x97, 1, 3, 0x93, 1, 3};
	const struct wire_view tries = {status, sizeof(status)};
	uint8_t id[VIRTUAL_ID_LEN];

	virtual_card_id(gids->dir, id);
	wire_put_u8(&gids->table, 1);
	put_record(gids, "mscp", "", GIDS_MASTER, 0);
	return add_file(gids, "", "cardid", GIDS_ID_FILE, GIDS_CARDID,
	                (struct wire_view){id, sizeof(id)}) &&
	       add_file(
		   gids, "", "cardapps", GIDS_FILES, GIDS_CARDAPPS,
		   (struct wire_view){applications, sizeof(applications)}) &&
	       add_file(gids, "", "cardcf", GIDS_FILES, GIDS_CARDCF,
	                (struct wire_view){freshness, sizeof(freshness)}) &&
	       virtual_card_add(gids->card, GIDS_COMMON, GIDS_PIN_STATUS,
	                        GIDS_PIN_STATUS, tries) &&
	       virtual_card_add(gids->card, GIDS_COMMON, GIDS_PUK_STATUS,
	                        GIDS_PUK_STATUS, tries);
}

/* 01 00, the length before compression, a zlib stream. */
static struct wire_view
squeeze(struct gids *gids, struct wire_view plain)
{
	struct wire_out out = wire_out(gids->file, sizeof(gids->file));
	uLongf len = sizeof(gids->file) - 4;

	wire_put_u16(&out, 1);
	wire_put_u16(&out, (uint16_t)plain.len);
	if (compress(gids->file + 4, &len, plain.data, plain.len) != Z_OK)
		return plain;
	return (struct wire_view){gids->file, len + 4};
}

/* One file of the directory; found tells whether it is there. */
static bool
load_file(struct gids *gids, const char *source, const char *name,
          bool compressed, bool *found)
{
	bool fits = true;
	size_t len;
	uint8_t *data = virtual_file_read(gids->dir, source, &len);
	struct wire_view value = {data, len};

	*found = data != NULL;
	if (*found) {
		if (compressed)
			value = squeeze(gids, value);
		fits = add_file(gids, "mscp", name, GIDS_FILES, gids->next++,
		                value);
	}
	free(data);
	return fits;
}

/* A record of the container map; a hole when the container has no key. */
static void
put_container(struct gids *gids, unsigned index, bool exchange, bool signature)
{
	char name[GIDS_CONTAINER_NAME_LEN / 2];
	bool valid = exchange || signature;
	uint8_t flags = index == 0 ? 3 : 1; /* the first is the default */

	if (!valid) {
		wire_put_zeros(&gids->map, GIDS_CONTAINER_LEN);
		return;
	}
	memset(name, 0, sizeof(name));
	(void)snprintf(name, sizeof(name), "virtual-card-%02x", index);
	for (size_t i = 0; i < sizeof(name); i++)
		wire_put_u16(&gids->map, (uint8_t)name[i]);
	wire_put_u8(&gids->map, flags);
	wire_put_u8(&gids->map, 0);
	wire_put_u16(&gids->map, signature ? GIDS_KEY_BITS : 0);
	wire_put_u16(&gids->map, exchange ? GIDS_KEY_BITS : 0);
}

static bool
load_containers(struct gids *gids, bool compressed)
{
	size_t used = 0; /* bytes of the map up to the last container */

	for (unsigned i = 0; i < GIDS_CONTAINERS_MAX; i++) {
		char name[16];
		char source[32];
		bool exchange;
		bool signature;

		(void)snprintf(name, sizeof(name), "kxc%02x", i);
		(void)snprintf(source, sizeof(source), "%s.der", name);
		if (!load_file(gids, source, name, compressed, &exchange))
			return false;
		(void)snprintf(name, sizeof(name), "ksc%02x", i);
		(void)snprintf(source, sizeof(source), "%s.der", name);
		if (!load_file(gids, source, name, compressed, &signature))
			return false;
		put_container(gids, i, exchange, signature);
		if (exchange || signature)
			used = gids->map.len;
	}
	return add_file(gids, "mscp", "cmapfile", GIDS_FILES, GIDS_CMAPFILE,
	                (struct wire_view){gids->map_bytes, used});
}

bool
virtual_gids_load(struct virtual_card *card, const char *dir,
                  enum virtual_gids_form form)
{
	struct gids *gids = calloc(1, sizeof(*gids));
	bool found;
	bool fits;

	if (gids == NULL)
		return false;
	gids->card = card;
	gids->dir = dir;
	gids->next = GIDS_FIRST_FREE;
	gids->table = wire_out(gids->table_bytes, sizeof(gids->table_bytes));
	gids->map = wire_out(gids->map_bytes, sizeof(gids->map_bytes));
	set_application(card);
	fits = add_fixed_files(gids) &&
	       load_containers(gids, form != VIRTUAL_GIDS_PLAIN) &&
	       load_file(gids, "msroots.p7b", "msroots",
	                 form == VIRTUAL_GIDS_ALL, &found) &&
	       wire_out_ok(&gids->table) &&
	       virtual_card_add(card, GIDS_MASTER, GIDS_MASTER_TABLE,
	                        GIDS_MASTER_TABLE, wire_written(&gids->table));
	free(gids);
	return fits;
}
