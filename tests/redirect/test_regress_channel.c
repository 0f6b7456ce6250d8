/* Defects of neighbours, for the channel and its chunks. */
#include "regress.h"

#include "bed.h"
#include "exact.h"

static struct bed bed;

/* ---- chunks */

static enum chunk_step
one_chunk(uint32_t total, uint32_t flags, size_t len)
{
	static const uint8_t zeros[64];
	struct chunk_join join;
	enum chunk_step step;

	chunk_join_init(&join);
	step = chunk_join_take(&join, total, flags,
	                       (struct wire_view){zeros, len});
	chunk_join_clear(&join);
	return step;
}

/* What comes second, after a first chunk of 40 bytes of a message of 64. */
static enum chunk_step
second_chunk(uint32_t total, uint32_t flags, size_t len)
{
	static const uint8_t zeros[64];
	struct chunk_join join;
	enum chunk_step step;

	chunk_join_init(&join);
	(void)chunk_join_take(&join, 64, CHANNEL_FLAG_FIRST,
	                      (struct wire_view){zeros, 40});
	(void)chunk_join_own(&join);
	step = chunk_join_take(&join, total, flags,
	                       (struct wire_view){zeros, len});
	chunk_join_clear(&join);
	return step;
}

static bool
total_lies(void)
{
	return second_chunk(64, CHANNEL_FLAG_LAST, 25) == CHUNK_FAULT &&
	       second_chunk(64, CHANNEL_FLAG_LAST, 23) == CHUNK_FAULT &&
	       second_chunk(64, CHANNEL_FLAG_LAST, 24) == CHUNK_WHOLE;
}

static bool
chunk_larger_than_total(void)
{
	return one_chunk(10, CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST, 11) ==
	       CHUNK_FAULT;
}

static bool
total_is_huge(void)
{
	struct chunk_join join;
	static const uint8_t zeros[64];
	bool good;

	chunk_join_init(&join);
	(void)chunk_join_take(&join, UINT32_MAX, CHANNEL_FLAG_FIRST,
	                      (struct wire_view){zeros, 40});
	good = chunk_join_own(&join) == CHUNK_FAULT && join.size < 4096;
	chunk_join_clear(&join);
	return good;
}

static bool
first_is_missing(void)
{
	return one_chunk(10, 0, 5) == CHUNK_FAULT &&
	       one_chunk(10, CHANNEL_FLAG_LAST, 10) == CHUNK_FAULT &&
	       second_chunk(64, CHANNEL_FLAG_FIRST, 24) == CHUNK_FAULT;
}

static bool
reset_within_a_message(void)
{
	static const uint8_t zeros[64];
	struct chunk_join join;
	bool good;

	chunk_join_init(&join);
	(void)chunk_join_take(&join, 64, CHANNEL_FLAG_FIRST,
	                      (struct wire_view){zeros, 10});
	chunk_join_reset(&join);
	good = chunk_join_idle(&join) &&
	       chunk_join_take(&join, 64, CHANNEL_FLAG_LAST,
	                       (struct wire_view){zeros, 54}) == CHUNK_FAULT;
	chunk_join_clear(&join);
	return good;
}

/* ---- the channel as a whole */

static void
start_relay(void)
{
	bed_init(&bed);
	bed.config.role = CHANNEL_RELAY;
	bed.client.has_drive = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 1000);
}

/* A completion of the card's for an id that nobody gave. */
static bool
foreign_completion(uint32_t device, uint32_t id)
{
	size_t before;
	bool good;

	start_relay();
	before = bed.server.answer_count;
	fake_client_complete(&bed.client, device, id);
	bed_run(&bed);
	good = bed.server.answer_count == before;
	bed_clear(&bed);
	return good;
}

static bool
completion_for_nobody(void)
{
	return foreign_completion(1, 0xF0000001) && foreign_completion(1, 3);
}

static bool
answered_once(void)
{
	bool good;

	start_relay();
	fake_server_establish(&bed.server, 1, 9);
	bed_run(&bed);
	good = fake_server_answers(&bed.server, 9) == 1;
	fake_client_complete(&bed.client, 1, 9);
	bed_run(&bed);
	good = good && fake_server_answers(&bed.server, 9) == 1;
	bed_clear(&bed);
	return good;
}

static bool
id_used_twice(void)
{
	bool good;

	start_relay();
	fake_server_establish(&bed.server, 1, 2);
	bed_run(&bed);
	fake_server_park(&bed.server, 1, 2);
	bed_run(&bed);
	fake_server_establish(&bed.server, 1, 2);
	bed_run(&bed);
	good = fake_server_answers(&bed.server, 2) == 2;
	fake_pcsc_insert(&bed.client.pcsc, 0, NULL);
	bed_clear(&bed);
	return good;
}

static bool
removed_device(void)
{
	size_t before;
	bool good;

	start_relay();
	fake_client_remove(&bed.client, 1);
	bed_run(&bed);
	before = bed.server.answer_count;
	fake_client_complete(&bed.client, 1, 5);
	bed_run(&bed);
	good = bed.server.answer_count <= before + 1;
	bed_clear(&bed);
	return good;
}

/* A message of a drive, with a body that means nothing, goes by unchanged. */
static bool
drive_passes(void)
{
	static const uint8_t bytes[] = {
	    U16(0x4472), U16(0x4952), U32(FAKE_DRIVE), U32(1),         U32(2),
	    U32(3),      U32(0),      U32(0xFFFFFFFF), U32(0xFFFFFFFF)};
	bool good;

	start_relay();
	good =
	    bed_chunk(&bed, CHANNEL_SERVER, sizeof(bytes), 3,
	              (struct wire_view){bytes, sizeof(bytes)}) == CHANNEL_PASS;
	bed_clear(&bed);
	return good;
}

static bool
compressed_chunk(void)
{
	static const uint8_t bytes[40];
	bool good;

	start_relay();
	(void)bed_chunk(&bed, CHANNEL_CLIENT, sizeof(bytes),
	                3 | CHANNEL_FLAG_COMPRESSED,
	                (struct wire_view){bytes, sizeof(bytes)});
	fake_server_establish(&bed.server, 1, 77);
	bed_run(&bed);
	good = bed.server.answer_count > 0 &&
	       bed.server.answers[bed.server.answer_count - 1].status !=
	           RDPEFS_STATUS_SUCCESS;
	bed_clear(&bed);
	return good;
}

/* clang-format off */
static const struct regress rows[] = {
	/* id, what it was, what must be here, check */
	{ "regress-CVE-2026-32623", "xrdp: total of a reassembly unchecked", "fault", total_lies },
	{ "regress-CVE-2022-23479", "xrdp: channel data larger than said", "fault", chunk_larger_than_total },
	{ "regress-CVE-2022-23468", "xrdp: message larger than its buffer", "fault", chunk_larger_than_total },
	{ "regress-CVE-2022-23484", "xrdp: integer overflow of a length", "fault, nothing allocated", total_is_huge },
	{ "regress-CVE-2022-23477", "xrdp: data of a channel not open", "fault", first_is_missing },
	{ "regress-CVE-2020-9497", "Guacamole: length of a static channel", "fault", total_lies },
	{ "regress-CVE-2020-9498", "Guacamole: pointer left in reassembly", "starts anew", reset_within_a_message },
	{ "regress-CVE-2026-22857", "FreeRDP: IRP used after completion", "one answer", answered_once },
	{ "regress-FREERDP-5f10ae9", "FreeRDP proxy: double completion", "one answer", answered_once },
	{ "regress-CVE-2026-22856", "FreeRDP: table of IRPs of a gone device", "dropped", removed_device },
	{ "regress-FREERDP-1605", "Windows: a completion id used twice", "both answered, in order", id_used_twice },
	{ "regress-CVE-2016-10109", "pcsc-lite: context used after free", "dropped", completion_for_nobody },
	{ "regress-CVE-2026-22854", "FreeRDP: length of a drive's read", "relayed unread", drive_passes },
	{ "regress-FREERDP-148", "FreeRDP: compressed rdpdr", "the card ends, the session stays", compressed_chunk },
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return regress_main(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
}
