/*
 * Command APDUs, ISO/IEC 7816-4: their parts, what kind of command they are,
 * and which application they go to.  Understood are short and extended length,
 * command chaining, logical channels 0 to 19, secure messaging, and the classes
 * of GlobalPlatform and of contactless readers.  It reads only; the answer to
 * a question it cannot decide is the worse one.
 */
#ifndef REDIRECT_COMMAND_H
#define REDIRECT_COMMAND_H

#include "globs.h"

enum {
	COMMAND_CHANNELS = 20, /* logical channels of a card */
	COMMAND_AID_MAX = 16
};

/* What the bytes say; data is borrowed from the APDU. */
struct command {
	uint8_t cla;
	uint8_t ins;
	uint8_t p1;
	uint8_t p2;
	uint8_t plain;   /* CLA without channel, chaining, secure messaging */
	uint8_t channel; /* logical channel, 0 to 19 */
	bool chained;    /* more parts follow */
	bool secured;    /* secure messaging: data cannot be read */
	bool hidden;     /* of a kind that may hide the command itself */
	struct wire_view data;
	uint32_t expected; /* Ne, 0: none */
};

/* False when the bytes are no command APDU. */
bool command_decode(struct wire_view apdu, struct command *command);

/* The application selected on a logical channel. */
struct command_app {
	bool known;
	uint8_t aid[COMMAND_AID_MAX]; /* as given to SELECT, perhaps cut */
	uint8_t len;
};

/* What a command does, as far as a policy asks. */
enum command_kind {
	COMMAND_READS,   /* tells, changes nothing that lasts */
	COMMAND_USES,    /* verifies a PIN or uses a key */
	COMMAND_MANAGES, /* changes what is on the card */
	COMMAND_OTHER    /* not known: may do anything */
};

/* All texts are literals. */
struct command_meaning {
	enum command_kind kind;
	const char *name;           /* "PUT DATA", "unknown" */
	const char *rule_use;       /* "commands use: PUT DATA" */
	const char *rule_read_only; /* "commands read-only: PUT DATA" */
};

/* app: where it goes to; the meaning of some instructions differs. */
struct command_meaning command_meaning(const struct command *command,
                                       const struct command_app *app);

/* The applications of one card, by logical channel. */
struct command_apps {
	struct command_app list[COMMAND_CHANNELS];
};

/* Nothing is known: a reset, another card, a command without an answer. */
void command_apps_forget(struct command_apps *apps);

/* A command was answered; answer is the whole response APDU, empty if none. */
void command_apps_note(struct command_apps *apps, const struct command *command,
                       struct wire_view answer);

/* The status word at the end of an answer, 0 when there is none. */
uint16_t command_status(struct wire_view answer);

/* Rules: "allow 00 A4 .. ..", "deny 00 DB .. .. aid=A000000308". */
struct command_rule {
	bool allow;
	char *text;       /* "commands: deny 00 DB .. .." */
	uint8_t value[4]; /* CLA INS P1 P2 */
	uint8_t mask[4];
	uint8_t aid[COMMAND_AID_MAX];
	uint8_t aid_len; /* 0: any application */
};

struct command_rules {
	struct command_rule *list; /* owned */
	size_t count;
};

/*
 * As globs_parse.  Digits are hexadecimal, '.' or 'x' is any digit.  CLA is
 * matched as sent, and also without channel, chaining and secure messaging.
 * aid= matches an application whose AID begins with these bytes; where the
 * application is not known such a deny matches and such an allow does not.
 */
const char *command_rules_parse(struct command_rules *rules, const char *key,
                                const char *text);
void command_rules_clear(struct command_rules *rules);

/* As globs_judge, but what no rule matches is always refused. */
struct globs_verdict command_rules_judge(const struct command_rules *rules,
                                         const struct command *command,
                                         const struct command_app *app);

#endif
