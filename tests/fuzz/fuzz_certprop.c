/* Certificate propagation: readers, cards, users and policies in any order. */
#include "certprop.h"

#include "cardmap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READERS = 3, ANSWER_AT_ONCE = 7 };

/* A life of a session, event by event; no order may be a bug. */
struct life {
	struct certprop *cp;
	struct certprop_policy policy;
	struct card_content content;
	struct cardmap *map;
	struct certprop_hashes listed;
	struct wire_in events;
	uint64_t now;
	uint32_t reading; /* 0: none */
	bool ended;
	bool open; /* a batch was begun */
};

static void
on_read(void *arg, uint32_t reader, const struct card_hints *hints)
{
	struct life *life = arg;

	(void)hints;
	if (life->reading != 0)
		abort(); /* one at a time */
	if (wire_u8(&life->events) % 8 == ANSWER_AT_ONCE) {
		certprop_card_failed(life->cp, reader, CERTPROP_RETRY, "now",
		                     life->now);
		return;
	}
	life->reading = reader;
}

static void
on_cancel(void *arg, uint32_t reader)
{
	struct life *life = arg;

	if (life->reading != reader)
		abort();
	life->reading = 0;
}

static void
on_tell(void *arg, const struct keep_msg *msg)
{
	static uint8_t datagram[KEEP_MESSAGE_MAX];
	struct life *life = arg;
	struct wire_out out = wire_out(datagram, sizeof(datagram));

	keep_encode(&out, msg);
	if (!wire_out_ok(&out) || life->ended)
		abort();
	/* A batch is whole, and nothing stands in it. */
	if (life->open != (msg->type == KEEP_CERT || msg->type == KEEP_COMMIT))
		abort();
	life->open = msg->type == KEEP_BEGIN || msg->type == KEEP_CERT;
	life->ended = msg->type == KEEP_END;
}

static void
change_policy(struct life *life, uint8_t bits)
{
	life->policy.propagate = (bits & 1) != 0;
	life->policy.propagate_roots = (bits & 2) != 0;
	life->policy.redirect = (bits & 4) != 0;
	life->policy.skip_expired = (bits & 8) != 0;
	life->policy.cleanup = (enum keep_cleanup)((bits >> 4) % 3);
	certprop_policy_changed(life->cp, &life->policy, life->now);
}

static void
change_rules(struct life *life, uint8_t bits)
{
	life->policy.user_cleanup = (enum keep_cleanup)(bits % 3);
	life->policy.require_match = (bits & 4) != 0;
	life->policy.match = bits & 7;
	life->policy.map = (bits & 8) != 0 ? life->map : NULL;
	life->policy.allowed = (bits & 16) != 0 ? &life->listed : NULL;
	life->policy.host = (bits & 32) != 0 ? &life->listed : NULL;
	life->policy.archive_stale = (bits & 64) != 0;
	life->policy.refuse_machine_like = (bits & 64) != 0;
	life->policy.logon.ecc = (bits & 128) != 0;
	life->policy.logon.no_eku = (bits & 128) != 0;
	certprop_policy_changed(life->cp, &life->policy, life->now);
}

static void
finish_read(struct life *life, uint8_t how)
{
	uint32_t reader = life->reading;

	life->reading = 0;
	life->content.id[0] = how >> 4;
	if (how % 4 == 0)
		certprop_card_failed(life->cp, reader, CERTPROP_PERMANENT, "x",
		                     life->now);
	else if (how % 4 == 1)
		certprop_card_failed(life->cp, reader, CERTPROP_RETRY, "x",
		                     life->now);
	else
		certprop_card_read(life->cp, reader, &life->content, life->now);
}

static void
live(struct life *life, uint8_t what, uint8_t how)
{
	static const uint8_t atr[] = {0x3b, 0x00, 0x01, 0x02};
	struct wire_view view = {atr, how % sizeof(atr)};
	uint32_t reader = 1 + what % READERS;

	switch (what >> 4) {
	case 0:
		certprop_reader_added(life->cp, reader, "R", life->now);
		break;
	case 1:
		certprop_reader_gone(life->cp, reader, life->now);
		break;
	case 2:
		certprop_user(life->cp, how % 2 == 0 ? "user" : "other",
		              "claimed", how % 3 == 0 ? "" : "rdp:1",
		              life->now);
		break;
	case 3:
		change_policy(life, how);
		break;
	case 4:
		certprop_reassert(life->cp, life->now);
		break;
	case 5:
		certprop_role(life->cp, "own", "");
		break;
	case 6:
		if (how == 0)
			certprop_end(life->cp, KEEP_END_LOGOFF, "over",
			             life->now);
		else
			certprop_logoff(life->cp, "off", life->now);
		break;
	case 7:
	case 8:
	case 9:
		finish_read(life, how);
		break;
	case 10:
	case 11:
	case 12:
		certprop_card_state(life->cp, reader,
		                    (enum certprop_presence)(how >> 6),
		                    how >> 2 & 3, view, life->now);
		break;
	case 14:
		change_rules(life, how);
		break;
	default:
		life->now += (uint64_t)how * 16;
		certprop_tick(life->cp, life->now);
	}
}

static void
on_map_fault(void *arg, unsigned line, const char *what)
{
	(void)arg;
	(void)line;
	(void)what;
	abort();
}

/* A length, one certificate of that length, then two bytes for each event. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct certprop_ops ops = {on_read, on_cancel, on_tell};
	struct life life = {.events = wire_in(data, size)};
	struct wire_view der = wire_bytes(&life.events, wire_u16(&life.events));

	life.content.family = CARD_PIV;
	life.content.cert_count = life.content.root_count = 1;
	life.content.certs[0].der = (uint8_t *)(uintptr_t)der.data;
	life.content.certs[0].len = der.len;
	life.content.roots[0] = life.content.certs[0];
	life.content.certs[0].placeholder = der.len % 2 != 0;
	life.map = cardmap_parse(wire_view_text("user = subject:CN=User\n"),
	                         on_map_fault, NULL);
	certprop_policy_defaults(&life.policy);
	life.cp = certprop_new(&life.policy, &ops, &life);
	while (life.cp != NULL && wire_ok(&life.events) &&
	       life.events.left >= 2) {
		uint8_t what = wire_u8(&life.events);

		live(&life, what, wire_u8(&life.events));
	}
	certprop_free(life.cp);
	cardmap_free(life.map);
	return 0;
}
