#include "reason.h"

#include <stdio.h>
#include <string.h>

size_t
reason_count_cards(const struct peer *peer)
{
	const struct peer_reader *reader;
	size_t count = 0;

	TAILQ_FOREACH (reader, &peer->readers, entry)
		count += reader->card != KEEP_CARD_EMPTY;
	return count;
}

static const struct peer_reader *
find_unreadable(const struct peer *peer)
{
	const struct peer_reader *reader;

	TAILQ_FOREACH (reader, &peer->readers, entry) {
		if (reader->card == KEEP_CARD_FAILED ||
		    reader->card == KEEP_CARD_MUTE)
			return reader;
	}
	return NULL;
}

static bool
has_role(const struct peer *peer)
{
	const char *role = peer_text(peer->role);

	return strcmp(role, "relay") == 0 || strcmp(role, "own") == 0;
}

static const char *
explain_card(const struct peer_reader *reader, char text[REASON_SIZE])
{
	const char *why = peer_text(reader->reason);

	(void)snprintf(text, REASON_SIZE, "a card is not readable: %s",
	               why[0] != '\0' ? why
	                              : keep_card_state_name(reader->card));
	return text;
}

const char *
reason_of(const struct peer *peer, char text[REASON_SIZE])
{
	const struct peer_reader *unreadable = find_unreadable(peer);

	if (peer->over_user != NULL)
		return "its log-on is over, or another connection has it";
	if (peer_text(peer->reason)[0] != '\0')
		return peer->reason;
	if (!has_role(peer))
		return "the card channel is not open yet";
	if (peer->reader_count == 0)
		return "the client shows no reader";
	if (reason_count_cards(peer) == 0)
		return "there is no card in a reader";
	if (peer->state == KEEP_PRELOGON)
		return "the user is not known yet";
	return unreadable != NULL ? explain_card(unreadable, text) : "";
}
