/* What the messages and their values are called, for people. */
#include "keep.h"

const char *
keep_type_name(enum keep_type type)
{
	switch (type) {
	case KEEP_HELLO:
		return "hello";
	case KEEP_STATE:
		return "state";
	case KEEP_READER:
		return "reader";
	case KEEP_READER_GONE:
		return "reader-gone";
	case KEEP_BEGIN:
		return "begin";
	case KEEP_CERT:
		return "cert";
	case KEEP_COMMIT:
		return "commit";
	case KEEP_RELEASE:
		return "release";
	case KEEP_SYNCED:
		return "synced";
	case KEEP_EVENT:
		return "event";
	case KEEP_END:
		return "end";
	case KEEP_USAGE:
		return "usage";
	case KEEP_RULES:
		return "rules";
	case KEEP_ACK:
		return "ack";
	case KEEP_ATTACH:
		return "attach";
	case KEEP_ATTACHED_ALL:
		return "attached-all";
	case KEEP_LOGOFF:
		return "logoff";
	case KEEP_READY:
		return "ready";
	case KEEP_RULED_ALL:
		return "ruled-all";
	}
	return "unknown";
}

const char *
keep_session_state_name(enum keep_session_state state)
{
	switch (state) {
	case KEEP_NONE:
		return "none";
	case KEEP_PRELOGON:
		return "prelogon";
	case KEEP_WATCHING:
		return "watching";
	case KEEP_DETACHED:
		return "detached";
	case KEEP_ENDING:
		return "ending";
	}
	return "unknown";
}

const char *
keep_card_state_name(enum keep_card_state state)
{
	switch (state) {
	case KEEP_CARD_EMPTY:
		return "empty";
	case KEEP_CARD_SETTLING:
		return "settling";
	case KEEP_CARD_READING:
		return "reading";
	case KEEP_CARD_PRESENT:
		return "present";
	case KEEP_CARD_FAILED:
		return "failed";
	case KEEP_CARD_MUTE:
		return "mute";
	}
	return "unknown";
}
