#include "sight.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

static struct sight_reader *
find(struct sight *sight, uint32_t number)
{
	for (size_t i = 0; i < CERTPROP_READERS_MAX; i++) {
		if (sight->readers[i].used &&
		    sight->readers[i].number == number)
			return &sight->readers[i];
	}
	return NULL;
}

static struct sight_reader *
free_place(struct sight *sight)
{
	for (size_t i = 0; i < CERTPROP_READERS_MAX; i++) {
		if (!sight->readers[i].used)
			return &sight->readers[i];
	}
	return NULL;
}

static void
say_hidden(const char *what, const struct sight_reader *reader,
           const char *rule)
{
	struct log_event ev = log_event(LOG_INFO, what);

	log_text(&ev, "reader", reader->name);
	log_text(&ev, "rule", rule);
	log_write(&ev);
}

static void
tell_card(struct sight *sight, const struct filter_policy *policy,
          const struct sight_reader *reader, uint64_t now_ms)
{
	struct wire_view atr = {reader->atr.bytes, reader->atr.len};
	struct filter_decision decision = filter_card(policy, atr);
	enum certprop_presence presence = reader->presence;

	if (decision.verdict == FILTER_REFUSE) {
		say_hidden("card-hidden", reader, decision.rule);
		presence = CERTPROP_EMPTY;
		atr.len = 0;
	}
	certprop_card_state(sight->certprop, reader->number, presence,
	                    reader->counter, atr, now_ms);
}

/* Show or hide it, as the policy says now. */
static void
look(struct sight *sight, const struct filter_policy *policy,
     struct sight_reader *reader, uint64_t now_ms)
{
	struct filter_decision decision = filter_reader(policy, reader->name);
	bool shown = decision.verdict == FILTER_ALLOW;

	if (shown && !reader->shown)
		certprop_reader_added(sight->certprop, reader->number,
		                      reader->name, now_ms);
	else if (!shown && reader->shown)
		certprop_reader_gone(sight->certprop, reader->number, now_ms);
	reader->shown = shown;
	if (!shown)
		say_hidden("reader-hidden", reader, decision.rule);
	else if (reader->state)
		tell_card(sight, policy, reader, now_ms);
}

void
sight_added(struct sight *sight, const struct filter_policy *policy,
            uint32_t reader, const char *name, uint64_t now_ms)
{
	struct sight_reader *place = free_place(sight);

	if (place == NULL)
		return;
	memset(place, 0, sizeof(*place));
	place->used = true;
	place->number = reader;
	(void)snprintf(place->name, sizeof(place->name), "%s", name);
	look(sight, policy, place, now_ms);
}

void
sight_gone(struct sight *sight, uint32_t reader, uint64_t now_ms)
{
	struct sight_reader *place = find(sight, reader);

	if (place == NULL)
		return;
	place->used = false;
	if (place->shown)
		certprop_reader_gone(sight->certprop, reader, now_ms);
}

void
sight_card(struct sight *sight, const struct filter_policy *policy,
           uint32_t reader, enum certprop_presence presence, uint16_t counter,
           struct wire_view atr, uint64_t now_ms)
{
	struct sight_reader *place = find(sight, reader);
	struct wire_out out;

	if (place == NULL)
		return;
	out = wire_out(place->atr.bytes, sizeof(place->atr.bytes));
	wire_put_view(&out, atr);
	place->atr.len = (uint8_t)out.len;
	place->state = true;
	place->presence = presence;
	place->counter = counter;
	if (place->shown)
		tell_card(sight, policy, place, now_ms);
}

void
sight_policy(struct sight *sight, const struct filter_policy *policy,
             uint64_t now_ms)
{
	for (size_t i = 0; i < CERTPROP_READERS_MAX; i++) {
		if (sight->readers[i].used)
			look(sight, policy, &sight->readers[i], now_ms);
	}
}
