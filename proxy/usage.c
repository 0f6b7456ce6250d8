#include "usage.h"

#include "bucket.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_SIZE = KEEP_TEXT_MAX,
	SHOWN_MAX = 128, /* characters of one field */
	ATR_MAX = 36,
	NO_DATA_LEN = 5 /* of a command without data: it only asks */
};

struct usage {
	struct usage_start start;
	const char *user;
	struct keep_usage counters;
	struct bucket told;
	uint64_t left_out; /* since the last event the keeper was told */
	struct event *second;
};

/* Once a second at most; armed while there is something new. */
static void
on_second(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	usage_say_again(arg);
}

struct usage *
usage_new(const struct usage_start *start)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->start = *start;
	u->told = bucket(USAGE_TOLD_BURST, USAGE_TOLD_EVERY_MS);
	u->second = evtimer_new(start->base, on_second, u);
	if (u->second != NULL)
		return u;
	usage_free(u);
	return NULL;
}

void
usage_free(struct usage *usage)
{
	if (usage == NULL)
		return;
	if (usage->second != NULL)
		event_free(usage->second);
	free(usage);
}

void
usage_user(struct usage *usage, const char *user)
{
	usage->user = user;
}

/*
 * The keeper.
 */

void
usage_say_again(struct usage *usage)
{
	const struct keep_msg msg = {.type = KEEP_USAGE,
	                             .usage = usage->counters};

	usage->start.tell_keeper(usage->start.arg, &msg);
}

static void
say(struct usage *u, const char *name, const char *text)
{
	const struct keep_msg msg = {.type = KEEP_EVENT,
	                             .event = {.name = wire_view_text(name),
	                                       .text = wire_view_text(text)}};

	u->start.tell_keeper(u->start.arg, &msg);
}

/* False: there are more than a watcher could read. */
static bool
may_say(struct usage *u, uint64_t now_ms)
{
	char text[64];

	if (!bucket_take(&u->told, now_ms)) {
		u->left_out++;
		return false;
	}
	if (u->left_out == 0)
		return true;
	(void)snprintf(text, sizeof(text), "%" PRIu64 " events", u->left_out);
	u->left_out = 0;
	say(u, "card-use-left-out", text);
	return true;
}

/*
 * A call as fields, for the log and for the keeper alike.
 */

struct fields {
	struct log_event log;
	struct wire_out text; /* the same, for the keeper; it may be cut */
	char bytes[TEXT_SIZE];
};

/* In quotes where there are blanks; a name of a reader forges no field. */
static void
put_value(struct wire_out *out, const char *value)
{
	bool quoted = strpbrk(value, " \"") != NULL;

	if (quoted)
		wire_put_u8(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"')
			wire_put_view(out, wire_view_text("%22"));
		else
			wire_put_u8(out, (uint8_t)*value);
	}
	if (quoted)
		wire_put_u8(out, '"');
}

static void
put(struct fields *f, const char *key, const char *value)
{
	struct wire_out whole = f->text;

	if (f->text.len > 0)
		wire_put_u8(&whole, ' ');
	wire_put_view(&whole, wire_view_text(key));
	wire_put_u8(&whole, '=');
	put_value(&whole, value);
	if (wire_out_ok(&whole))
		f->text = whole;
}

static void
add_text(struct fields *f, const char *key, const char *value)
{
	char shown[SHOWN_MAX];

	if (value == NULL || *value == '\0')
		return;
	log_text(&f->log, key, value);
	put(f, key, log_printable(shown, sizeof(shown), wire_view_text(value)));
}

static void
add_number(struct fields *f, const char *key, int64_t value)
{
	char shown[24];

	log_number(&f->log, key, value);
	(void)snprintf(shown, sizeof(shown), "%" PRId64, value);
	put(f, key, shown);
}

static void
add_id(struct fields *f, const char *key, struct wire_view id)
{
	char shown[2 * ATR_MAX + 1];

	if (id.len == 0 || id.len > ATR_MAX)
		return;
	log_id(&f->log, key, id.data, id.len);
	put(f, key, log_hex(shown, id.data, id.len));
}

/* A number as it stands in specifications. */
static void
add_hex(struct fields *f, const char *key, uint32_t value, size_t len)
{
	uint8_t bytes[sizeof(value)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	if (len == 2)
		wire_put_u16_be(&out, (uint16_t)value);
	else
		wire_put_u32_be(&out, value);
	add_id(f, key, wire_written(&out));
}

static void
open_fields(struct fields *f, enum log_level level, const char *name)
{
	f->log = log_event(level, name);
	f->text = wire_out(f->bytes, sizeof(f->bytes) - 1);
}

static void
add_place(struct fields *f, const struct usage *u,
          const struct channel_use *use)
{
	static const char *const askers[] = {
	    [CHANNEL_BY_SERVER] = "server",
	    [CHANNEL_BY_US] = "proxy",
	    [CHANNEL_BY_PROGRAM] = "program",
	};

	add_text(f, "user", u->user);
	add_text(f, "client", u->start.client);
	add_text(f, "target", u->start.target);
	add_text(f, "reader", use->reader);
	add_id(f, "atr", use->atr);
	add_text(f, "asker", askers[use->asker]);
}

static void
close_fields(struct fields *f, struct usage *u, const char *name,
             uint64_t now_ms)
{
	log_write(&f->log);
	f->bytes[f->text.len] = '\0';
	if (may_say(u, now_ms))
		say(u, name, f->bytes);
}

static bool
is_command(const struct channel_use *use)
{
	return use->command[0] != '\0';
}

static void
add_command(struct fields *f, const struct channel_use *use)
{
	const uint8_t header[] = {use->cla, use->ins, use->p1, use->p2};

	add_text(f, "command", use->command);
	add_id(f, "cla_ins_p1p2", (struct wire_view){header, sizeof(header)});
	add_number(f, "sent", use->send_len);
	add_number(f, "received", use->receive_len);
	if (use->status_word != 0)
		add_hex(f, "sw", use->status_word, 2);
}

static void
tell_use(struct usage *u, const struct channel_use *use, uint64_t now_ms)
{
	struct fields f;

	open_fields(&f, LOG_INFO, "card-use");
	add_place(&f, u, use);
	add_text(&f, "call", use->call);
	if (is_command(use))
		add_command(&f, use);
	if (use->code != 0)
		add_hex(&f, "code", use->code, 4);
	add_number(&f, "ms", use->elapsed_ms);
	add_text(&f, "decision",
	         use->decision == FILTER_REFUSE ? "refuse" : "allow");
	add_text(&f, "rule", use->rule);
	close_fields(&f, u, "card-use", now_ms);
}

/*
 * PINs.
 */

static void
tell_tries(struct usage *u, const struct channel_use *use, uint64_t now_ms)
{
	struct fields f;
	bool tried = use->send_len > NO_DATA_LEN;

	open_fields(&f, tried ? LOG_NOTICE : LOG_INFO, "pin-retries");
	add_place(&f, u, use);
	add_number(&f, "left", use->pin_tries);
	add_text(&f, "because", tried ? "a wrong PIN" : "it was asked for");
	close_fields(&f, u, "pin-retries", now_ms);
}

static void
tell_blocked(struct usage *u, const struct channel_use *use, uint64_t now_ms)
{
	struct fields f;

	open_fields(&f, LOG_WARNING, "pin-blocked");
	add_place(&f, u, use);
	close_fields(&f, u, "pin-blocked", now_ms);
}

static void
tell_pin(struct usage *u, const struct channel_use *use, uint64_t now_ms)
{
	if (use->pin_tries == CHANNEL_PIN_BLOCKED)
		tell_blocked(u, use, now_ms);
	else if (use->pin_tries != CHANNEL_PIN_UNKNOWN)
		tell_tries(u, use, now_ms);
}

static void
count(struct usage *u, const struct channel_use *use)
{
	const struct timeval second = {1, 0};
	bool refused = use->decision == FILTER_REFUSE;

	u->counters.calls++;
	u->counters.commands += is_command(use);
	u->counters.refused += refused;
	if (is_command(use) && !refused) {
		u->counters.sent += use->send_len;
		u->counters.received += use->receive_len;
	}
	if (!event_pending(u->second, EV_TIMEOUT, NULL))
		(void)event_add(u->second, &second);
}

void
usage_note(struct usage *usage, const struct channel_use *use, uint64_t now_ms)
{
	count(usage, use);
	tell_use(usage, use, now_ms);
	tell_pin(usage, use, now_ms);
}
