/*
 * The policy of a session: what of a card the server may see and do.  Plain
 * data, put together by the configuration from texts, and pure judgements over
 * it: no state, no I/O.  guard.h applies it to the stream of calls.
 *
 * A refusal is never silence: the caller gets a PC/SC code (or, for an APDU, a
 * status word) and the decision names the rule that made it.
 *
 * The parts, each of which can refuse:
 *
 *	redirect  there is no smart card device at all
 *	channels  dynamic channels that would carry a card past us
 *	readers   a refused reader does not exist for the server
 *	cards     a refused card is not there: its reader looks empty
 *	calls     by name, "Transmit"; the A and W forms are one
 *	commands  APDUs by kind (use, read-only) or by rules (custom)
 */
#ifndef REDIRECT_FILTER_H
#define REDIRECT_FILTER_H

#include "atrmask.h"
#include "command.h"
#include "ioctl.h"

enum filter_commands {
	FILTER_FULL,      /* every APDU */
	FILTER_USE,       /* reading, PINs and keys; nothing that changes */
	FILTER_READ_ONLY, /* reading; no PIN and no key either */
	FILTER_CUSTOM     /* as the rules say; else refused */
};

/* Other channels that could carry a card. */
enum filter_doors {
	FILTER_DOORS_AS_REDIRECT, /* shut when redirect is false */
	FILTER_DOORS_OPEN,
	FILTER_DOORS_SHUT
};

enum filter_refusal {
	FILTER_REFUSE_CODE,       /* a PC/SC code */
	FILTER_REFUSE_STATUS_WORD /* an APDU: a success that says 6982 */
};

struct filter_policy {
	bool redirect;
	enum filter_doors doors;
	struct globs channels; /* names of doors; "deny" shuts */
	struct globs readers;
	struct atrmask cards;
	struct globs calls;
	enum filter_commands commands;
	struct command_rules custom;
	/*
	 * Secure messaging of a kind that may hide the instruction, and
	 * ENVELOPE.  Of no meaning with FILTER_FULL.
	 */
	bool secure_messaging;
	/*
	 * Control (vendor escapes, PIN pads) and SetAttrib beside commands that
	 * are not FILTER_FULL; asking which features a reader has is always
	 * allowed.
	 */
	bool reader_control;
	enum filter_refusal refusal;
	uint32_t refusal_code; /* ESC_E_NO_ACCESS or ESC_W_SECURITY_VIOLATION */
};

/*
 * All is allowed.  Without a list of doors the built-in one holds: urbdrc,
 * PNPDR*, FileRedirectorChannel, WebAuthN_Channel.
 */
void filter_policy_init(struct filter_policy *policy);
void filter_policy_clear(struct filter_policy *policy);

/*
 * From texts.  Each returns NULL or a literal that says what is wrong.  Lists
 * are rules separated by '|'; each call adds to what is there:
 *
 *	filter_parse_readers(p, "allow Yubico* | deny *")
 *	filter_parse_cards(p, "deny 3B 7F 96 *")
 *	filter_parse_calls(p, "deny SetAttrib | deny *Cache")
 *	filter_parse_command_rules(p, "allow 00 A4 .. .. | allow 00 CB 3F FF")
 *	filter_parse_channels(p, "deny urbdrc | deny PNPDR*")
 */
const char *filter_parse_readers(struct filter_policy *policy,
                                 const char *text);
const char *filter_parse_cards(struct filter_policy *policy, const char *text);
const char *filter_parse_calls(struct filter_policy *policy, const char *text);
const char *filter_parse_channels(struct filter_policy *policy,
                                  const char *text);
const char *filter_parse_command_rules(struct filter_policy *policy,
                                       const char *text);
/* "full", "use", "read-only", "custom" */
const char *filter_parse_commands(struct filter_policy *policy,
                                  const char *text);
/* "allow", "refuse" */
const char *filter_parse_secure_messaging(struct filter_policy *policy,
                                          const char *text);
const char *filter_parse_reader_control(struct filter_policy *policy,
                                        const char *text);
/* "yes", "no" */
const char *filter_parse_redirect(struct filter_policy *policy,
                                  const char *text);
/* other_card_channels: "yes", "no", "as-redirect" */
const char *filter_parse_other_card_channels(struct filter_policy *policy,
                                             const char *text);
/* "no-access", "security-violation" (PC/SC codes) or "status-word" */
const char *filter_parse_refusal(struct filter_policy *policy,
                                 const char *text);
/* What the parts say of each other: after the last text.  NULL or a literal. */
const char *filter_policy_check(const struct filter_policy *policy);

enum filter_verdict { FILTER_ALLOW, FILTER_REFUSE };

/* rule is borrowed from the policy, or a literal; never NULL. */
struct filter_decision {
	enum filter_verdict verdict;
	const char *rule; /* "calls: deny Transmit", "commands use: PUT DATA" */
	uint32_t code;    /* of a refusal: PC/SC */
};

struct filter_decision filter_reader(const struct filter_policy *policy,
                                     const char *name);
/* An empty ATR is not judged: there is no card, or it is not known yet. */
struct filter_decision filter_card(const struct filter_policy *policy,
                                   struct wire_view atr);
/* row NULL: an IOCTL that is not known. */
struct filter_decision filter_call(const struct filter_policy *policy,
                                   const struct ioctl *row);
/* A whole APDU; app may be NULL: not known.  *meaning may be NULL. */
struct filter_decision filter_apdu(const struct filter_policy *policy,
                                   struct wire_view apdu,
                                   const struct command_app *app,
                                   struct command_meaning *meaning);
struct filter_decision filter_command(const struct filter_policy *policy,
                                      const struct command *command,
                                      const struct command_app *app);
/* Control with this code; SetAttrib. */
struct filter_decision filter_control(const struct filter_policy *policy,
                                      uint32_t code);
struct filter_decision filter_set_attrib(const struct filter_policy *policy);
/* Must dynamic channels be looked at? */
bool filter_shuts_doors(const struct filter_policy *policy);
/* A dynamic channel by name. */
struct filter_decision filter_channel(const struct filter_policy *policy,
                                      const char *name);

/* Is anything judged that needs to know which reader a call goes to? */
bool filter_needs_reader(const struct filter_policy *policy);
bool filter_needs_card(const struct filter_policy *policy);

#endif
