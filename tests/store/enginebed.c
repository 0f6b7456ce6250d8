#include "enginebed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
enginebed_new(void **state)
{
	static struct enginebed bed;

	memset(&bed, 0, sizeof(bed));
	(void)snprintf(bed.dir, sizeof(bed.dir), "/tmp/enginebed.XXXXXX");
	assert_non_null(mkdtemp(bed.dir));
	(void)snprintf(bed.path, sizeof(bed.path), "%s/store.db", bed.dir);
	*state = &bed;
	return 0;
}

int
enginebed_new_open(void **state)
{
	(void)enginebed_new(state);
	enginebed_reopen(*state);
	enginebed_start(*state, ENGINEBED_A, ENGINEBED_A);
	enginebed_start(*state, ENGINEBED_B, ENGINEBED_B);
	return 0;
}

int
enginebed_free(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal",
	                                       ".lock"};
	struct enginebed *bed = *state;
	char path[128];

	engine_close(bed->engine);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", bed->path,
		               suffixes[i]);
		(void)unlink(path);
	}
	return rmdir(bed->dir); /* and no file besides these */
}

void
enginebed_try_open(struct enginebed *bed)
{
	engine_close(bed->engine);
	bed->engine = engine_open(bed->path, false, ENGINEBED_NOW, &bed->error,
	                          bed->reason);
}

void
enginebed_reopen(struct enginebed *bed)
{
	enginebed_try_open(bed);
	if (bed->engine == NULL)
		fail_msg("%s", bed->reason);
}

void
enginebed_close(struct enginebed *bed)
{
	engine_close(bed->engine);
	bed->engine = NULL;
}

void
enginebed_begin(struct enginebed *bed)
{
	assert_true(engine_begin(bed->engine, ENGINEBED_NOW));
	bed->change = (struct engine_change){0};
}

void
enginebed_commit(struct enginebed *bed)
{
	assert_true(engine_commit(bed->engine));
}

void
enginebed_start(struct enginebed *bed, const char *session,
                const char *connection)
{
	const struct keep_hello hello = {.started_at = ENGINEBED_NOW};

	enginebed_begin(bed);
	assert_true(
	    engine_session_start(bed->engine, session, connection, &hello));
	enginebed_commit(bed);
}

static void
copy_text(char out[64], struct wire_view text)
{
	assert_true(text.len < 64);
	(void)snprintf(out, 64, "%.*s", (int)text.len,
	               text.len > 0 ? (const char *)text.data : "");
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	struct enginebed_entry *seen = arg;

	seen->count++;
	copy_text(seen->friendly_name, entry->friendly_name);
	copy_text(seen->container, entry->container);
	copy_text(seen->prov_name, entry->prov_name);
	copy_text(seen->reader_name, entry->reader_name);
	copy_text(seen->card_serial, entry->card_serial);
	copy_text(seen->policy, entry->policy);
	seen->logon_eligible = entry->logon_eligible;
	seen->key_available = entry->key_available;
	seen->kept = entry->kept;
	seen->archived = entry->archived;
	seen->created_at = entry->created_at;
	seen->chuid_len = entry->chuid.len;
	seen->card_data_len = entry->smart_card_data.len;
	seen->pin_info_len = entry->pin_info.len;
	seen->has_pin = entry->has_pin;
	seen->pin_id = entry->pin_id;
	seen->has_removable = entry->has_reader_removable;
	seen->removable = entry->reader_removable;
	return true;
}

struct enginebed_entry
enginebed_look(struct enginebed *bed)
{
	const struct engine_filter filter = {.owner = wire_view_text("alice")};
	struct enginebed_entry seen = {0};

	assert_true(engine_list_entries(bed->engine, &filter, on_entry, &seen));
	return seen;
}
